"""The API key: whether it is valid, when it ends, and whether it may do what the settings ask for."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

from scaleway import ScalewayException
from scaleway.iam.v1alpha1 import APIKey, IamV1Alpha1API, Rule, UserType

from cli.doctor.lines import Environment, Line, failure, ok, warning
from common.permissions import PERMISSION_SETS, PermissionSet, Scope, features

KEYS: Final = "https://console.scaleway.com/iam/api-keys"
POLICIES: Final = "https://console.scaleway.com/iam/policies"
KEY: Final = "API key"
RIGHTS: Final = "permission sets"
_FULL, _READ = "FullAccess", "ReadOnly"


@dataclass(frozen=True)
class Granted:
    """What the policies of a key's bearer grant in one project."""

    everything: bool = False
    """The bearer owns the organisation."""
    names: frozenset[str] = field(default_factory=frozenset)
    conditional: frozenset[str] = field(default_factory=frozenset)
    """Granted only under a condition, such as the caller's address."""

    def allows(self, wanted: PermissionSet) -> bool:
        """Whether a permission set, or one that holds it, is granted."""
        return self.everything or bool(self.names & _holding(wanted))


def check(environment: Environment) -> Generator[Line]:
    """Look at the key, then at its bearer's rights."""
    iam = IamV1Alpha1API(environment.client)
    try:
        key = iam.get_api_key(access_key=environment.settings.scaleway.access_key.value)
    except ScalewayException as error:
        yield _refused(error)
        return
    yield _key(key, environment.days)
    try:
        granted = _granted(iam, key, environment)
    except ScalewayException as error:
        if error.status_code != HTTPStatus.FORBIDDEN:
            raise
        yield warning(RIGHTS, "cannot be looked at: the key lacks IAMReadOnly", POLICIES)
        return
    yield from _rights(wanted(environment), granted)


def wanted(environment: Environment) -> Iterator[PermissionSet]:
    """The permission sets that the settings ask for."""
    for feature in features(environment.settings):
        yield from PERMISSION_SETS[feature]


def _refused(error: ScalewayException) -> Line:
    told = error.response.json()
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        why = "it has expired" if told.get("reason") == "expired" else "Scaleway does not know it"
        return failure(KEY, f"refused: {why}", f"make another at {KEYS}, then set scaleway.accessKey and secretKey")
    if error.status_code == HTTPStatus.NOT_FOUND:
        return failure(KEY, "the access key is not that of the secret key", f"see {KEYS}, then set scaleway.accessKey")
    if error.status_code == HTTPStatus.FORBIDDEN:
        return warning(KEY, "valid; when it ends cannot be looked at, for it lacks IAMReadOnly", POLICIES)
    raise error


def _key(key: APIKey, days: int) -> Line:
    if key.expires_at is None:
        return ok(KEY, "valid, and never ends")
    left = key.expires_at - datetime.now(UTC)
    until = f"{key.expires_at:%Y-%m-%d %H:%M} UTC"
    if left < timedelta(days=days):
        found = f"ends at {until}, before an event of {days} days that began now would"
        return warning(KEY, found, f"make another at {KEYS}, then set scaleway.accessKey and secretKey")
    return ok(KEY, f"valid until {until}")


def organization_of(environment: Environment) -> str:
    """Id of the organisation, for lists that want it; of the key's bearer where the settings do not say it."""
    told = environment.settings.scaleway.organization_id
    if told:
        return told
    iam = IamV1Alpha1API(environment.client)
    key = iam.get_api_key(access_key=environment.settings.scaleway.access_key.value)
    if key.user_id:
        return iam.get_user(user_id=key.user_id).organization_id
    return iam.get_application(application_id=key.application_id or "").organization_id


def _granted(iam: IamV1Alpha1API, key: APIKey, environment: Environment) -> Granted:
    if key.user_id and iam.get_user(user_id=key.user_id).type_ == UserType.OWNER:
        return Granted(everything=True)
    organization = organization_of(environment)
    users = [key.user_id] if key.user_id else None
    applications = [key.application_id] if key.application_id else None
    groups = iam.list_groups_all(organization_id=organization, user_ids=users, application_ids=applications)
    policies = iam.list_policies_all(organization_id=organization, user_ids=users, application_ids=applications)
    if groups:
        ids = [group.id for group in groups]
        policies += iam.list_policies_all(organization_id=organization, group_ids=ids)
    rules = [rule for policy in policies for rule in iam.list_rules_all(policy_id=policy.id)]
    here = [rule for rule in rules if _reaches(rule, environment.settings.scaleway.project_id)]
    return Granted(
        names=frozenset(name for rule in here for name in rule.permission_set_names or ()),
        conditional=frozenset(name for rule in here if rule.condition for name in rule.permission_set_names or ()),
    )


def _reaches(rule: Rule, project: str) -> bool:
    # A rule for the organisation holds in each of its projects.
    return bool(rule.organization_id or rule.account_root_user_id) or project in (rule.project_ids or ())


def _rights(wanted: Iterable[PermissionSet], granted: Granted) -> Generator[Line]:
    missing = [each for each in wanted if not granted.allows(each)]
    for each in missing:
        yield failure(RIGHTS, f"{each.name} is missing: {each.purpose}", f"grant it at {POLICIES}")
    if missing:
        return
    if granted.everything:
        yield ok(RIGHTS, "the key is that of the organisation's owner, who may do everything")
    else:
        yield ok(RIGHTS, "all that the settings need are granted")
    if granted.conditional:
        names = ", ".join(sorted(granted.conditional))
        yield warning(RIGHTS, f"only under the condition of a rule: {names}", POLICIES)


def _holding(wanted: PermissionSet) -> set[str]:
    """The permission sets that hold another."""
    holding = {wanted.name}
    if wanted.name.endswith(_READ):
        holding.add(wanted.name.removesuffix(_READ) + _FULL)
    if wanted.scope is Scope.PROJECT:
        holding.add(f"AllProducts{_FULL}")
        if wanted.name.endswith(_READ):
            holding.add(f"AllProducts{_READ}")
    elif wanted.name.startswith("IAM"):
        holding |= {"IAMManager", "OrganizationManager"}
    return holding
