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
            f"{HERE}/centre/test_collectors.py::test_a_backend_that_ends_at_each_statement",
            f"{HERE}/centre/test_collectors.py::test_kills_of_collectors_backends_and_postgresql",
            f"{HERE}/centre/test_standby.py::test_a_standby_that_is_promoted_at_a_statement",
            f"{HERE}/centre/test_standby.py::test_a_standby_that_is_promoted_under_load",
            "tests/central/store/test_store.py::test_a_crash_at_any_statement_leaves_whole_batches",
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
            "tests/edge/app/process/test_systemd.py::test_the_service_manager_is_notified_of_every_step",
        ),
    ),
    33: (
        "numbers wider than what stores them",
        (
            f"{HERE}/test_access.py::test_numbers_beyond_every_bound_are_refused_and_counted",
            "tests/fuzz/test_messages.py::test_every_number_beyond_every_bound_is_refused",
            "tests/edge/messages/test_envelope.py::test_every_integer_from_outside_has_a_bound",
        ),
    ),
    34: (
        "work without a price",
        (
            "tests/bench/flood/test_command.py::test_floods_are_stopped_and_orders_go_on",
            "tests/edge/mqtt/server/test_budgets.py::test_packets_without_a_publish_have_a_price",
            "tests/edge/mqtt/server/test_budgets.py::test_a_packet_has_only_so_many_filters_and_properties",
            "tests/edge/mqtt/server/test_budgets.py::test_publishes_over_the_quota_have_a_price",
        ),
    ),
    35: (
        "a neighbour takes the room",
        (
            "tests/edge/scenarios/dispatch/test_events.py::test_nobody_takes_the_room_of_the_others",
            "tests/edge/core/test_answers.py::test_updates_go_before_assignments_and_those_before_receipts",
        ),
    ),
    36: (
        "a role that a client has not",
        (
            "tests/e2e/test_roles.py::test_each_does_what_its_role_may_and_nothing_else",
            "tests/edge/core/test_decode.py::test_a_kind_is_for_the_roles_that_it_names",
            "tests/edge/core/test_decode.py::test_a_client_without_a_role_may_send_nothing",
        ),
    ),
    37: (
        "an id used again for something else",
        (
            f"{HERE}/test_access.py::test_an_id_that_is_used_for_something_else_is_refused_across_a_kill",
            "tests/edge/pipeline/test_receipts.py::test_an_id_with_other_content_is_refused",
        ),
    ),
    38: (
        "a refusal that time mends",
        (
            "tests/edge/core/test_node.py::test_what_time_can_mend_is_decided_anew",
            "tests/edge/core/test_node.py::test_an_order_that_comes_late_mends_what_was_refused",
        ),
    ),
    39: (
        "a library that sends again",
        (
            "tests/interop/test_mqttjs.py::test_an_oversized_publish_does_not_lock_out",
            "tests/interop/test_mqttjs.py::test_qos_2",
            "tests/interop/test_paho.py::test_qos_2",
            "tests/interop/test_mosquitto.py::test_forbidden_topic",
        ),
    ),
    40: (
        "habits of JavaScript and Windows",
        (
            "tests/edge/core/test_decode.py::test_habits_of_libraries_change_nothing",
            "tests/edge/core/test_decode.py::test_half_an_emoji_in_a_text_is_replaced",
            "tests/edge/core/test_decode.py::test_a_time_in_seconds_is_refused_as_one",
            "tests/edge/messages/test_tolerance.py::test_whole_numbers_may_arrive_as_floats",
        ),
    ),
    41: (
        "bytes that the codec believes",
        (
            "tests/edge/mqtt/packets/test_validate.py::test_bad_strings_and_properties",
            "tests/edge/mqtt/server/test_inbound.py::test_nothing_comes_after_disconnect",
            "tests/edge/mqtt/server/test_inbound.py::test_offences",
            "tests/fuzz/test_mqtt.py::test_a_damaged_conversation",
        ),
    ),
    42: (
        "the journal goes away, or rots behind its snapshot",
        (
            f"{HERE}/test_disk.py::test_a_journal_that_is_moved_away_ends_the_node_and_holds_every_promise",
            f"{HERE}/test_disk.py::test_a_journal_that_is_replaced_by_a_copy_keeps_every_promise_itself",
            "tests/e2e/test_node.py::test_a_journal_that_is_taken_away_ends_the_node",
            "tests/edge/journal/test_scrub.py::test_each_rotten_row_and_snapshot_is_named",
            "tests/e2e/test_node.py::test_rot_behind_the_last_snapshot_is_named_while_the_node_decides",
        ),
    ),
    43: (
        "half a renewal of a certificate",
        ("tests/edge/service/test_listeners.py::test_a_certificate_is_replaced_whole_or_not_at_all",),
    ),
    44: (
        "a broker's memory",
        (
            "tests/edge/mqtt/client/test_broker.py::test_with_the_shipped_configuration_nobody_takes_another_ones_session",
            "tests/edge/mqtt/client/test_broker.py::test_stored_copies_are_no_events",
        ),
    ),
    45: (
        "a node that forges its sums",
        (
            "tests/central/store/test_rows.py::test_a_stored_sum_is_never_beyond_what_an_engine_holds",
            "tests/central/ingest/test_receive.py::test_a_window_of_another_age_is_counted_now",
            "tests/central/ingest/test_admit.py::test_what_no_node_sends_is_refused",
            "tests/central/ingest/test_verify.py::test_bodies_that_break_the_schema_are_refused",
            "tests/edge/messages/test_batches.py::test_a_sketch_that_nobody_makes_is_known",
        ),
    ),
    46: (
        "churn of connections",
        (
            f"{HERE}/test_access.py::test_failed_connects_and_churn_leave_nothing_behind",
            "tests/edge/service/test_http.py::test_half_a_request_does_not_hold_a_place",
            "tests/edge/mqtt/server/test_budgets.py::test_connecting_anew_does_not_refill_a_budget",
        ),
    ),
    47: (
        "past its retention",
        (
            "tests/edge/journal/test_maintenance.py::test_deleted_rows_are_gone_from_the_file",
            "tests/edge/journal/test_maintenance.py::test_deleted_rows_are_gone_from_the_wal_while_the_node_runs",
            "tests/edge/pipeline/test_retention.py::test_an_idle_node_forgets_what_is_past_its_retention",
        ),
    ),
    48: (
        "nothing is broken, and yet orders wait",
        ("tests/edge/scenarios/dispatch/test_view.py::test_an_order_that_waits_without_a_rider_is_a_problem",),
    ),
}
