"""The one launcher: nodes, centres, brokers and proxies as real processes on free ports of loopback, in one folder."""
