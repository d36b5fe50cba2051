"""Scaleway's error answers.

Their types and fields are those that the SDK parses: scaleway-sdk-go, scw/errors.go.
"""

from __future__ import annotations

from rehearsal.scaleway.records import Record


class ApiError(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, body: Record) -> None:
        super().__init__(f"{status}: {body.get('message', '')}")
        self.status = status
        self.body = body


def not_found(resource: str, identity: str) -> ApiError:
    """404. resource: the API's word for the kind of thing, such as instance_server."""
    return ApiError(
        404,
        {"type": "not_found", "message": "resource is not found", "resource": resource, "resource_id": identity},
    )


def invalid_arguments(*details: Record) -> ApiError:
    """400. Each detail has argument_name, reason (required, format, constraint, unknown) and help_message."""
    return ApiError(
        400, {"type": "invalid_arguments", "message": "invalid argument(s)", "details": [dict(d) for d in details]}
    )


def invalid(argument: str, help_message: str, reason: str = "constraint") -> ApiError:
    """400 for one argument."""
    return invalid_arguments({"argument_name": argument, "reason": reason, "help_message": help_message})


def still_in_use(help_message: str) -> ApiError:
    """412, as VPC and Load Balancers answer for what others still use."""
    return ApiError(
        412,
        {
            "type": "precondition_failed",
            "message": "precondition is not respected",
            "precondition": "resource_still_in_use",
            "help_message": help_message,
        },
    )


def transient_state(resource: str, identity: str, state: str) -> ApiError:
    """409: something else is being done to the resource."""
    return ApiError(
        409,
        {
            "type": "transient_state",
            "message": "resource is in a transient state",
            "resource": resource,
            "resource_id": identity,
            "current_state": state,
        },
    )


def conflict(message: str) -> ApiError:
    """409, as the Instance API answers for a security group in use."""
    return ApiError(409, {"type": "conflict", "message": message})


def bad_request(message: str) -> ApiError:
    """400 without arguments, as the Instance API answers for an action that the state does not allow."""
    return ApiError(400, {"type": "invalid_request_error", "message": message})


def denied_authentication(reason: str) -> ApiError:
    """401. reason: invalid_argument, not_found or expired."""
    return ApiError(
        401,
        {
            "type": "denied_authentication",
            "message": "authentication is denied",
            "method": "api_key",
            "reason": reason,
        },
    )


def permissions_denied(resource: str, action: str) -> ApiError:
    """403 for what belongs to another project."""
    return ApiError(
        403,
        {
            "type": "permissions_denied",
            "message": "insufficient permissions",
            "details": [{"resource": resource, "action": action}],
        },
    )


def not_in_stand_in(what: str) -> ApiError:
    """501 for what Scaleway has and the stand-in does not; clients do not retry it."""
    return ApiError(501, {"type": "not_implemented", "message": f"The Scaleway API stand-in does not have {what}."})


def failed_behind(message: str) -> ApiError:
    """500: what should have done the work on this machine failed."""
    return ApiError(500, {"type": "internal_error", "message": message})
