"""Reachability Analyzer: what was asked, and what came out."""

from datetime import datetime
from typing import Literal

import msgspec

from seawall.model.resource import Document, Ref, Resource, Tags, kind

AnalysisStatus = Literal["running", "succeeded", "failed"]


class PathFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What a packet must look like at one end of its path.  Port ranges are (first, last)."""

    source_address: str | None = None
    source_port_range: tuple[int, int] | None = None
    destination_address: str | None = None
    destination_port_range: tuple[int, int] | None = None


@kind("network_insights_path")
class NetworkInsightsPath(Resource, frozen=True, kw_only=True):
    """`source` and `destination` are ids of resources (eni-, igw-, vpce-...), which may be gone by now."""

    source: str
    destination: str | None = None
    source_ip: str | None = None
    destination_ip: str | None = None
    protocol: Literal["tcp", "udp"]
    destination_port: int | None = None
    filter_at_source: PathFilter | None = None
    filter_at_destination: PathFilter | None = None
    create_time: datetime
    tags: Tags = {}


@kind("network_insights_analysis")
class NetworkInsightsAnalysis(Resource, frozen=True, kw_only=True):
    """The call stores it as running; a loop analyses the network of that moment and ends it.

    filter_in_arns                what the path must lead through
    forward, back, explanations   in the shapes of the EC2 API (PathComponent, Explanation)
    """

    path_id: str
    start_time: datetime
    filter_in_arns: tuple[str, ...] = ()
    status: AnalysisStatus = "running"
    status_message: str | None = None
    path_found: bool | None = None
    forward: tuple[Document, ...] = ()
    back: tuple[Document, ...] = ()
    explanations: tuple[Document, ...] = ()
    tags: Tags = {}

    def refs(self) -> tuple[Ref, ...]:
        return (Ref("network_insights_path", self.path_id),)
