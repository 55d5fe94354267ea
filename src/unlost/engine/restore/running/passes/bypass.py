"""The bypass of a run: switched on before its first write, and as it was after its last.

  noted        before it is switched on: its state, into the journal
  switched     read back: it is on
  (passes)     all calls that write
  switched     read back: it is off again

A run does not close until the bypass is as it was. Whatever ends a run before that, the journal says
that the bypass may be on, and anyone with the vault and the write user can switch it off:
``switch_off`` needs nothing else. A bypass that was on before the run stays on.

The journal names the user for whom the bypass was switched on, and it is switched off for that user,
even if the org has another write user by then. See docs/adr/0047.
"""

from unlost.engine.restore.journal.entries import BypassNoted, BypassSwitched
from unlost.engine.restore.journal.log import RestoreLog
from unlost.model.bypass import Bypass, BypassState
from unlost.model.errors import Conflict, LimitReached, TransientError, UnlostError
from unlost.model.ports.writer import Writer

ON = BypassState(on=True, stored=True)


def switch_on(log: RestoreLog, writer: Writer) -> None:
    """Switch the plan's bypass on, if it has one and it is off.

    Raises UsageError (``bypass-unknown``), NotAllowed (``bypass-refused``), Conflict
    (``bypass-not-on``, ``bypass-still-on`` for an earlier write user), and the errors of the writer.
    """
    bypass = log.opened.plan.bypass
    if bypass is None:
        return
    user, noted = writer.user_id(), log.state.bypass
    if noted is not None and noted.user not in ("", user):
        switch_off(log, writer)
    state = writer.bypass(bypass)
    if log.state.bypass is None:
        log.write(BypassNoted(bypass, state, writer.server_time(), user))
    if state.on:
        return
    state = _switched(writer, bypass, ON, user=user)
    if not state.on:
        raise Conflict(
            "bypass-not-on",
            "The bypass {bypass} was switched on, but the org still reports that it is off. Nothing "
            "was written now.",
            next_step="Check in the org who switches it off, then resume with `unlost restore "
            "resume RUN`.",
            bypass=bypass,
        )
    log.write(BypassSwitched(state, writer.server_time()))


def switch_off(log: RestoreLog, writer: Writer) -> None:
    """Bring the bypass back into the state that the journal has; a no-op if it is not open there.

    It is brought back for the user whom the journal names. Raises LimitReached, and Conflict (``bypass-still-on``) with the cause in its sentence.
    """
    noted = log.state.bypass
    if noted is None:
        return
    user = noted.user or writer.user_id()
    try:
        state = writer.bypass(noted.bypass, user=user)
        if state != noted.before:
            state = _switched(writer, noted.bypass, noted.before, user=user)
    except LimitReached:
        raise
    except UnlostError as error:
        raise _still_on(noted.bypass, user, error) from error
    if state.on:
        raise _still_on(noted.bypass, user, None)
    log.write(BypassSwitched(state, writer.server_time()))


def _switched(writer: Writer, bypass: Bypass, state: BypassState, *, user: str) -> BypassState:
    """Switch it for a user, and return the state that the org then reports."""
    try:
        writer.set_bypass(bypass, state, user=user)
    except TransientError:
        # The response is lost: the state that the org reports now decides.
        current = writer.bypass(bypass, user=user)
        if current.on != state.on or (current.stored and not state.stored):
            raise
        return current
    return writer.bypass(bypass, user=user)


def _still_on(bypass: Bypass, user: str, cause: UnlostError | None) -> Conflict:
    if cause is None:
        return Conflict(
            "bypass-still-on",
            "The bypass {bypass} was switched off, but the org still reports that it is on.",
            next_step="Switch it off for the user {user} in the org, then resume with `unlost "
            "restore resume RUN`.",
            bypass=bypass,
            user=user,
        )
    return Conflict(
        "bypass-still-on",
        "The bypass {bypass} may still be on, and could not be switched off: {why}",
        next_step="Switch it off for the user {user} in the org, then resume with `unlost restore "
        "resume RUN`.",
        bypass=bypass,
        user=user,
        why=cause.message,
    )
