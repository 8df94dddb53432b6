"""The bounds that several packages share, each with its reason; one that a single package uses stands at the head of
the module that keeps it. Nothing grows without a bound. Units are last in the names. The default of an option is in
`app.config`.
"""

from typing import Final

# -- identifiers and messages ------------------------------------------------------------------------------------------

IDENTIFIER_PATTERN: Final = r"\A[a-z0-9][a-z0-9-]{0,63}\Z"
"""Names of nodes, centres and scenarios, which an operator chooses. Safe as topic level, file name and label."""

NAME_PATTERN: Final = r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"
"""Names of clients, orders, shops and articles, and event ids. They come from elsewhere (openid, UUID, order number),
so case counts; safe as topic level, SQL value and log field."""

TOPIC_BYTES_MAX: Final = 256
"""`ds/<node>/up/<client>/<kind>` with two 64-character identifiers is at most 164 bytes."""

PAYLOAD_BYTES_MAX: Final = 16 * 1024
"""The largest honest message (a batch of POSITION_POINTS_MAX points in JSON) is below 12 KiB."""

PACKET_BYTES_MAX: Final = PAYLOAD_BYTES_MAX + TOPIC_BYTES_MAX + 1024
"""Announced in CONNACK; the rest is for MQTT 5 properties and the fixed header."""

TEXT_CHARACTERS_MAX: Final = 256
"""Free text (a reason, a note). Longer texts have no place in an event."""

CONTROL_CHARACTERS: Final = r"\x00-\x1f\x7f-\x9f"
TURNING_CHARACTERS: Final = r"\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
"""As parts of a set in a pattern: what can act on a terminal, and what separates lines or turns the direction of text,
so that it reads as something else."""

# -- sessions ----------------------------------------------------------------------------------------------------------

CONNECTIONS_MAX: Final = 10_000
"""File descriptors and about 20 kB of buffers each: 200 MB at the very most."""

MESSAGES_PER_CLIENT_PER_S: Final = 200
"""Sustained messages from one client before it is shed: 200 times what a busy phone sends. messages_per_s raises it."""

MESSAGES_PER_CLIENT_BURST: Final = 1_000
"""What a client may send at once after a dead spot, before the sustained rate applies."""

DESCRIPTORS_SPARE: Final = 32
"""File descriptors that connections leave to the journal (4), the page (a dozen), the uplink and a reload of files."""

# -- the core ----------------------------------------------------------------------------------------------------------

ANSWERS_PENDING_MAX: Final = 100_000
"""Answers not yet acknowledged. Beyond it some are dropped (see `core.answers`), counted as `answers_overflowed`."""

ANSWERS_PER_CLIENT_MAX: Final = 1_000
"""Unacknowledged answers for one client; beyond it likewise."""

AGE_STEP_MS_MAX: Final = 3600 * 1000
"""Between two rounds a decided event grows older by this much at most. A restart under a wrong wall clock looks like
days of absence; to remember an event for too long costs 20 bytes, to forget it too soon would decide it twice."""

RECEIPT_EXPIRY_S: Final = 24 * 3600.0
"""A publisher that has not come back for its receipt within a day sends its event again anyway."""

WALL_SKEW_MS_MAX: Final = 10 * 60 * 1000
"""A publisher's stamp further than this from the node's clock is labelled `implausible_stamp`; the node's is used."""

CLOCK_WALL_MS_MIN: Final = 1_704_067_200_000
"""1 January 2024, before the first release: a wall clock before it was never set."""

# -- the journal -------------------------------------------------------------------------------------------------------

SNAPSHOT_SPACING_MS: Final = 6 * 3600 * 1000
"""Of the snapshots older than SNAPSHOTS_KEPT one stays for each six hours: rows are deleted up to a snapshot, so this
is how much longer than its retention a row may live."""

# -- aggregates and sync -----------------------------------------------------------------------------------------------

WINDOW_S: Final = 60
"""Width of a window."""

WINDOW_GRACE_S: Final = 10
"""A window is sealed this long after its end, so that events in flight still land in it."""

WINDOW_AHEAD_S_MAX: Final = 24 * 3600
"""The centre takes a window that ends this long after its own clock. What is merged at the node ends at most half as
long after the newest: the two clocks differ."""

CELLS_MAX: Final = 4_096
"""H3 cells gathering people at one time; further ones are counted as `withheld`."""

COUNTERS_MAX: Final = 512
"""Distinct counter names in one window. Names come from the code, never from a client."""

CELLS_PER_WINDOW_MAX: Final = 512
"""Cells in one window, at most 135 bytes each: with COUNTERS_MAX and MEASURES_MAX any window fits a batch."""

MEASURES_MAX: Final = 32
"""Distinct measures in one window, 4 kB of sketch each. Names come from the code, never from a client."""

BATCH_BYTES_MAX: Final = 256 * 1024
"""Uncompressed size at which a batch is cut."""

BATCHES_IN_FLIGHT_MAX: Final = 8
"""Numbered batches that the centre has not acknowledged; the rest stay unnumbered and may still be merged."""

CHAIN_KEPT: Final = 256
"""Points of its own history that a node remembers, to recognise what a restored centre holds: four hours of a batch a
minute, 8 kB of each hello. A centre from before that cannot be distinguished from one that a clone has fed."""

POOL_WINDOWS_MAX: Final = 4_096
"""Unsent windows. Coarsening keeps an outage of a year below it: hourly windows become daily ones after a week."""

UPLINK_ACK_DEADLINE_S: Final = 30.0
"""A centre that has not acknowledged for this long is treated as half dead: the connection is made anew."""

# -- the node's account of itself --------------------------------------------------------------------------------------

STATUS_INTERVAL_S: Final = 5.0
"""Progress is sampled this often. A queue that stood still for two intervals is a stall: longer than any commit or
checkpoint on a slow SD card (below 2 s), shorter than a rider waits."""

RETENTION_CHECK_S: Final = 600.0
"""How often rows beyond the retention are looked for: small portions, so that commits do not wait."""

# -- ledgers -----------------------------------------------------------------------------------------------------------

AMOUNT_CENTS_MAX: Final = 10**12
"""Of an order: ten thousand million of any currency with cents."""

LEDGER_ORDERS_MAX: Final = 10_000
"""Of one request: more than a shop has in a day; a month goes as a file, with `doorstep ledger`."""

LEDGER_AT_MS_MAX: Final = 253_402_128_000_000
"""Unix ms: a date in every time zone, none of which reaches the year 10000."""
