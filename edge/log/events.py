"""Every event that node or centre can write to the log. docs/operating.md has the same list, in an operator's words."""

from logging import CRITICAL, ERROR, INFO, WARNING
from typing import Final

from .event import Event

# life
STARTING: Final = Event("starting", INFO, "{role} {name} starts (doorstep {version}, data in {data_dir})")
LISTENING: Final = Event("listening", INFO, "listening on {address} ({option})")
LISTENING_PLAIN: Final = Event(
    "listening_plain",
    WARNING,
    "{option} = {address} is reached by other machines without TLS: who listens there on the wire reads tokens and "
    "places. Use {instead} with a certificate, or 127.0.0.1.",
)
RECOVERY: Final = Event("recovery", WARNING, "{sentence}")
READY: Final = Event("ready", INFO, "{role} {name} is ready ({detail})", always=True)
STOPPING: Final = Event("stopping", INFO, "stopping: finishing what was received")
STOPPING_LATE: Final = Event(
    "stopping_late", WARNING, "the stop took longer than {seconds} s; what was not acknowledged will come again"
)
STOPPED: Final = Event("stopped", INFO, "{role} {name} has stopped (exit code {code})")
FAILED: Final = Event("failed", CRITICAL, "stopping: {sentence}")
# configuration
RELOADED: Final = Event("reloaded", INFO, "reloaded {path}; changed: {changed}")
RELOAD_REFUSED: Final = Event("reload_refused", ERROR, "not reloaded, everything stays as it was: {sentence}")
RESTART_NEEDED: Final = Event(
    "restart_needed", WARNING, "these options need a restart and keep their old value: {options}"
)
# health
PROBLEM: Final = Event("problem", WARNING, "problem {name}: {sentence}")
PROBLEM_OVER: Final = Event("problem_over", INFO, "problem {name} is over")
ALARM: Final = Event("alarm", WARNING, "alarm: {node}: {name} ({events} events) {sentence}")
LATELY: Final = Event("lately", INFO, "lately {names}")
SCRUBBED: Final = Event("scrubbed", INFO, "{path} was read through: {found}")
NOT_SCRUBBED: Final = Event("not_scrubbed", WARNING, "{path} was not read through: {sentence}")
# who may connect
REFUSED: Final = Event("refused", WARNING, "refused at {listener}: {client} from {address}: {why}")
SESSION_ENDED: Final = Event("session_ended", WARNING, "the session of {client} from {address} is ended: {why}")
IDENTITIES: Final = Event(
    "identities", INFO, "read {path} again: {added} added, {removed} removed, {changed} changed: {names}"
)
IDENTITIES_KEPT: Final = Event("identities_kept", ERROR, "who may connect stays as it was: {sentence}")
REVOCATIONS: Final = Event("revocations", INFO, "read the revoked tokens again")
# the centre's register
NODE_ENROLLED: Final = Event("node_enrolled", INFO, "{node} is enrolled; its certificate ends on {day}")
NODE_RENEWED: Final = Event("node_renewed", INFO, "{node} has a new certificate; it ends on {day}")
NODE_REFUSED: Final = Event("node_refused", WARNING, "{node} gets no certificate ({cause}): {sentence}")
NODE_INVITED: Final = Event("node_invited", INFO, "{node} is invited")
NODE_REVOKED: Final = Event("node_revoked", WARNING, "{node} is revoked")
NODE_RETIRED: Final = Event("node_retired", WARNING, "{node} is retired")
REGISTER_FAILED: Final = Event("register_failed", ERROR, "the register cannot be used: {sentence}")
# a node's uplink
UPLINK_UP: Final = Event("uplink_up", INFO, "the uplink is up: {address} welcomes this node")
UPLINK_DOWN: Final = Event("uplink_down", WARNING, "the uplink is down: {sentence}")
UPLINK_REFUSED: Final = Event("uplink_refused", WARNING, "the uplink is refused: {sentence}")
UPLINK_PROTOCOL: Final = Event("uplink_protocol", WARNING, "the centre sent what cannot be true: {sentence}")
UPLINK_EPOCH: Final = Event("uplink_epoch", WARNING, "the centre welcomes with epoch {epoch}: {cause}")
BATCH_KEPT_ASIDE: Final = Event("batch_kept_aside", WARNING, "the centre keeps batch {batch} aside: {sentence}")
UPLINK_UNSENT: Final = Event("uplink_unsent", WARNING, "{kind} does not go to the centre: {sentence}")
SETTINGS_TRIED: Final = Event("settings_tried", INFO, "version {number} of the settings is tried for {seconds} s")
SETTINGS_COUNT: Final = Event("settings_count", INFO, "version {number} of the settings counts: {cause}")
SETTINGS_REFUSED: Final = Event("settings_refused", WARNING, "version {number} of the settings is refused: {sentence}")
SETTINGS_BACK: Final = Event("settings_back", ERROR, "the settings go back to version {number}: {sentence}")
SETTINGS_FAULT: Final = Event("settings_fault", ERROR, "the settings of the centre: {sentence}")
RENEWED: Final = Event("renewed", INFO, "the uplink has a new certificate, good for {days} days")
ENROLLED: Final = Event("enrolled", INFO, "the uplink uses the new enrolment, good for {days} days")
RENEWAL_REFUSED: Final = Event(
    "renewal_refused", WARNING, "the centre does not renew this node's certificate ({cause}): {sentence}"
)
ENROLMENT_KEPT: Final = Event("enrolment_kept", ERROR, "the enrolment stays as it was: {sentence}")
# a broker
BROKER_UP: Final = Event("broker_up", INFO, "joined the broker at {address}; its session for this node is {session}")
BROKER_DOWN: Final = Event("broker_down", WARNING, "not joined to the broker: {sentence}")
# webhooks
WEBHOOK_GIVEN_UP: Final = Event("webhook_given_up", WARNING, "{kind} {sequence} is given up: {sentence}")
WEBHOOK_POSITION: Final = Event("webhook_position", WARNING, "{path}: {sentence}")
WEBHOOK_ROW: Final = Event("webhook_row", ERROR, "row {row} cannot be read for webhooks: {error}")
WEBHOOK_FAULT: Final = Event("webhook_fault", ERROR, "a webhook could not be made: {error}")
# what a centre takes
BATCH_REFUSED: Final = Event("batch_refused", WARNING, "{batch} of {node} is refused: {sentence}")
MESSAGE_UNREADABLE: Final = Event("message_unreadable", WARNING, "{node} sent a {kind} that cannot be read: {sentence}")
BATCH_FAULT: Final = Event("batch_fault", ERROR, "a batch of {node} cannot be stored: {error}")
SUMS_LATE: Final = Event("sums_late", ERROR, "not summed up, or not pruned: {sentence}")
SUMS_ENDED: Final = Event("sums_ended", ERROR, "the process that sums up ended ({sentence}); it is started again")
PARTITION_MISSING: Final = Event("partition_missing", INFO, "no partition for day {day}: {sentence}")
ROLLOUT_STAGE: Final = Event("rollout_stage", INFO, "roll-out {number}: {names} try it (stage {stage})")
ROLLOUT_DONE: Final = Event("rollout_done", INFO, "roll-out {number} is done{cause}")
ROLLOUT_FAILED: Final = Event("rollout_failed", ERROR, "{sentence}")
ALERT_SENT: Final = Event("alert_sent", INFO, "alerts to {name}: {began} began, {ended} are over")
ALERT_GIVEN_UP: Final = Event("alert_given_up", WARNING, "an alert to {name} is given up: {sentence}")
ALERTS_LATE: Final = Event("alerts_late", ERROR, "alerts wait: {sentence}")
ALERTS_FAULT: Final = Event("alerts_fault", ERROR, "alerts wait for an error of our own: {error}")
NODE_RESUMED: Final = Event("node_resumed", INFO, "{node} gets on again")
FLEET_UNSEEN: Final = Event("fleet_unseen", WARNING, "the fleet was not looked at: {sentence}")
# faults
DISK_ROOM: Final = Event("disk_room", WARNING, "the disk has room again: accepting events")
DROPS_UNKEPT: Final = Event("drops_unkept", WARNING, "counts of drops: {sentence}")
ROW_GONE: Final = Event("row_gone", WARNING, "an event of {client} was decided in row {row}, which is gone")
CORE_FAULT: Final = Event("core_fault", ERROR, "the core failed on {inputs} inputs: {error}")
TASK_ENDED: Final = Event("task_ended", ERROR, "the task {task} ended {error}")
INTERNAL_ERROR: Final = Event("internal_error", ERROR, "an error of our own: {error}")
LIBRARY: Final = Event("library", WARNING, "{logger}: {message} {error}")
# the log itself
NOT_WRITTEN: Final = Event("not_written", WARNING, "{count} more of {event} were not written")

EVENTS: Final = {value.name: value for value in list(globals().values()) if isinstance(value, Event)}
