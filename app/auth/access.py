"""Access checks: whether a caller is one of the principals that may do something."""

from __future__ import annotations

from collections.abc import Iterable

from app.action.error import NotAuthorized
from app.auth.caller import Caller


def is_authorized(caller: Caller, principals: Iterable[str]) -> bool:
    """Return whether the caller is, or is a member of, any of `principals`.

    Globus Groups is asked only if a group may decide.

    :raises Unavailable: it was asked, and does not answer.
    """
    return not caller.identities.isdisjoint(principals) or caller.check_authorization(
        principals, allow_public=True, allow_all_authenticated_users=True
    )


def require(caller: Caller, principals: Iterable[str], what: str) -> None:
    """Raise NotAuthorized unless the caller is, or is a member of, any of `principals`.

    :param what: completes the sentence "You may not …".
    """
    if not is_authorized(caller, principals):
        raise NotAuthorized(f"You may not {what}.")


def principals(caller: Caller, *, with_groups: bool) -> frozenset[str]:
    """Return the principal URNs of the caller: the identities and, on request, the groups.

    :raises Unavailable: Globus Groups does not answer.
    """
    return caller.principals if with_groups else caller.identities
