"""Which fault is proved where. `test_table.py` checks that each of these tests exists and that no fault is left out.

A fault stands with every test that drives it: with real processes in this folder, in the simulator where the space is
too large to walk through, beside the code where a part alone shows it better.
"""

from typing import Final

SIM: Final = "tests/sim/test_sim.py::test_every_invariant_holds"

HERE: Final = "tests/faults"

FAULTS: Final[dict[int, tuple[str, tuple[str, ...]]]] = {
    1: (
        "kill -9 of the node at any instant",
        (
            f"{HERE}/test_kills.py::test_a_kill_at_each_call_of_the_first_start",
            f"{HERE}/test_kills.py::test_a_kill_at_each_call_under_load",
            f"{HERE}/test_kills.py::test_a_node_with_a_busy_day_behind_it_is_killed",
            "tests/edge/journal/test_journal.py::test_a_long_journal_is_opened_from_its_last_snapshot",
            "tests/edge/pipeline/test_pipeline.py::test_a_node_that_is_killed_again_and_again_starts_no_slower",
            SIM,
        ),
    ),
    2: (
        "power cut, torn write",
        (
            f"{HERE}/test_disk.py::test_a_wal_cut_zeroed_or_flipped_anywhere_opens_as_a_prefix",
            "tests/edge/journal/test_journal.py::test_a_torn_wal_holds_a_prefix_of_the_commits",
            SIM,
        ),
    ),
    3: ("bit rot in the journal", (f"{HERE}/test_disk.py::test_rot_on_any_page_is_found_or_harmless",)),
    4: (
        "the broker is killed under load",
        (f"{HERE}/test_broker.py::test_a_broker_killed_in_a_loop_loses_nothing_with_a_receipt",),
    ),
    5: (
        "the broker forgets its sessions",
        (f"{HERE}/test_broker.py::test_a_broker_that_forgets_its_sessions_is_noticed",),
    ),
    6: (
        "the node is away while thousands of events arrive",
        (f"{HERE}/test_broker.py::test_what_a_broker_drops_while_the_node_is_away_comes_again",),
    ),
    7: (
        "the uplink is cut",
        (
            f"{HERE}/test_uplink.py::test_a_cut_uplink_costs_nothing",
            "tests/edge/core/test_outbox.py::test_a_year_without_uplink_stays_small",
            SIM,
        ),
    ),
    8: (
        "the uplink is half dead",
        (
            f"{HERE}/test_uplink.py::test_an_uplink_cut_at_any_byte_applies_each_batch_once",
            f"{HERE}/test_uplink.py::test_a_half_dead_uplink_is_left",
            "tests/edge/uplink/test_sync.py::test_a_line_cut_after_every_few_bytes_applies_each_batch_once",
            SIM,
        ),
    ),
    9: ("a slow uplink", (f"{HERE}/test_uplink.py::test_a_slow_uplink_neither_swells_the_node_nor_stops_it", SIM)),
    10: (
        "the centre is down, frozen, or sends malformed messages",
        (
            f"{HERE}/test_uplink.py::test_a_centre_that_is_frozen_killed_or_mad_changes_nothing",
            "tests/edge/uplink/test_sync.py::test_an_acknowledgement_beyond_what_was_sent_deletes_nothing",
            "tests/edge/mqtt/client/test_connection.py::test_back_off_is_exponential_with_full_jitter",
            SIM,
        ),
    ),
    11: (
        "the centre is killed inside its transaction",
        (
            f"{HERE}/test_kills.py::test_a_centre_killed_at_each_call",
            "tests/central/test_store.py::test_a_crash_at_any_statement_leaves_whole_batches",
        ),
    ),
    12: (
        "duplicates",
        (
            f"{HERE}/test_access.py::test_lost_acknowledgements_make_duplicates_and_nothing_else",
            f"{HERE}/test_access.py::test_a_repeated_event_is_counted_as_often_as_it_was_injected",
            SIM,
        ),
    ),
    13: (
        "out of order and late",
        (
            "tests/edge/scenarios/dispatch/test_events.py::test_every_event_in_every_state",
            "tests/edge/core/test_aggregate.py::test_a_late_event_revises_its_window",
            "tests/edge/core/test_aggregate.py::test_stamps_out_of_reach_count_where_they_arrive",
            SIM,
        ),
    ),
    14: (
        "a replayed batch, a cloned node, a restored backup",
        (
            f"{HERE}/test_uplink.py::test_two_nodes_with_one_identity_are_distinguished",
            "tests/central/ingest/test_receive.py::test_nothing_is_ever_merged_twice",
            "tests/central/ingest/test_receive.py::test_a_cloned_node_is_refused_and_merges_nothing_twice",
            "tests/central/ingest/test_receive.py::test_a_centre_from_a_backup_reports_exactly_how_much_is_missing",
            SIM,
        ),
    ),
    15: (
        "the wall clock jumps",
        (f"{HERE}/test_pause.py::test_a_wall_clock_that_jumps_between_two_starts", SIM),
    ),
    16: (
        "a pause of the node, the centre or the broker",
        (f"{HERE}/test_pause.py::test_a_pause_of_anybody_passes", SIM),
    ),
    17: (
        "poison messages",
        (
            f"{HERE}/test_access.py::test_poison_is_refused_counted_and_acknowledged",
            f"{HERE}/test_access.py::test_a_packet_that_is_none_ends_that_connection_only",
            "tests/edge/core/test_decode.py::test_every_truncation_is_refused",
            "tests/edge/core/test_decode.py::test_every_flipped_byte_is_an_event_or_a_refusal",
            "tests/central/ingest/test_verify.py::test_every_truncation_and_every_flipped_bit_is_refused",
        ),
    ),
    18: (
        "oversized messages",
        (
            f"{HERE}/test_access.py::test_what_is_too_large_is_refused_and_hurts_nobody",
            "tests/edge/mqtt/packets/test_codec.py::test_an_oversized_packet_is_refused_by_its_header",
        ),
    ),
    19: (
        "hostile topics and names",
        (
            f"{HERE}/test_access.py::test_hostile_topics_and_names_are_refused",
            "tests/edge/mqtt/server/test_topics.py::test_refused_topics",
            "tests/edge/mqtt/client/test_broker.py::test_hostile_topics_are_refused_counted_and_cannot_loop",
        ),
    ),
    20: (
        "a flood by one client",
        (
            f"{HERE}/test_access.py::test_a_flood_by_one_client_is_shed_and_the_others_are_served",
            "tests/bench/flood/test_command.py::test_floods_are_stopped_and_orders_go_on",
        ),
    ),
    21: (
        "a flood of connections",
        (
            f"{HERE}/test_access.py::test_connections_that_send_nothing_keep_nobody_out",
            "tests/edge/mqtt/server/test_endpoint.py::test_a_flood_of_connections",
            "tests/edge/mqtt/server/test_endpoint.py::test_half_open_tls_goes_away",
        ),
    ),
    22: (
        "a consumer that never reads",
        (
            f"{HERE}/test_access.py::test_a_consumer_that_never_reads_swells_nothing",
            "tests/edge/mqtt/server/test_endpoint.py::test_a_consumer_that_never_reads",
        ),
    ),
    23: (
        "a full disk",
        (
            f"{HERE}/test_disk.py::test_a_full_disk_stops_receipts_and_space_brings_them_back",
            "tests/edge/journal/test_writer.py::test_a_full_disk_stops_the_journal_and_space_starts_it_again",
            SIM,
        ),
    ),
    24: (
        "an I/O error from the disk",
        (f"{HERE}/test_disk.py::test_an_io_error_ends_the_node_before_it_promises_anything", SIM),
    ),
    25: (
        "no file descriptors, no memory",
        (
            f"{HERE}/test_pause.py::test_without_file_descriptors_the_connected_are_served",
            f"{HERE}/test_pause.py::test_without_memory_the_node_ends_or_goes_on_and_nothing_is_lost",
        ),
    ),
    29: (
        "upgrade and downgrade with a backlog",
        (
            f"{HERE}/test_upgrade.py::test_a_journal_of_this_format_goes_on_with_its_backlog",
            f"{HERE}/test_upgrade.py::test_a_journal_of_another_format_is_refused_and_left_alone",
            f"{HERE}/test_upgrade.py::test_what_a_newer_version_wrote_is_refused_and_left_alone",
            f"{HERE}/test_upgrade.py::test_a_configuration_of_a_newer_version_is_refused_and_nothing_is_touched",
        ),
    ),
    30: (
        "re-identification by aggregates",
        (
            "tests/edge/core/test_aggregate.py::test_nothing_leaves_for_fewer_than_k_people_or_by_difference",
            "tests/edge/core/test_aggregate.py::test_every_difference_of_releases_stands_for_k_people",
            "tests/edge/core/test_aggregate.py::test_no_identity_is_in_any_sealed_byte",
        ),
    ),
    31: (
        "a silent stall",
        (
            f"{HERE}/test_stall.py::test_an_uplink_that_stops_by_itself_is_reported_and_restarted",
            f"{HERE}/test_pause.py::test_a_disk_that_hangs_is_reported_within_two_intervals",
            "tests/edge/health/test_status.py::test_a_queue_that_stands_still_for_two_intervals_is_a_stall_until_it_moves",
            "tests/edge/app/test_systemd.py::test_the_service_manager_is_notified_of_every_step",
        ),
    ),
}
