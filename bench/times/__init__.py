"""How well a node learns its times: promises and intervals where the configuration, or what orders state, is wrong."""
