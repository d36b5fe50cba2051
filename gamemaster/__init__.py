"""Game master: one Debian Instance with bind9, certbot, nginx, K3s and Rancher, which outlives every board."""

from gamemaster.dns_records import DnsRecords, DnsRecordsArgs
from gamemaster.game_master import GameMaster
from gamemaster.nginx import Site

__all__ = ["DnsRecords", "DnsRecordsArgs", "GameMaster", "Site"]
