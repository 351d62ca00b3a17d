"""At a NAT gateway.  Source: VPC user guide, "NAT gateways"."""

from seawall.compile.walk.cloud import addresses
from seawall.compile.walk.journey import Journey
from seawall.compile.walk.places import Place, Sent
from seawall.model.network_interface import NetworkInterface

EPHEMERAL_PORT = 40_000  # stands for any of 1024 to 65535, which a NAT gateway chooses from


def translate(journey: Journey, interface: NetworkInterface) -> Place | None:
    nat, packet = journey.cloud.nat_gateways[interface.id], journey.packet
    known = journey.flow.translations.get((nat.id, packet.destination, packet.source, packet.source_port))
    if known is not None and journey.is_answer:
        text = f"{nat.id} knows the flow: it belongs to {known[0]}"
        journey.note("nat_gateway", nat.id, "translate", text)
        journey.turn(destination=known[0], destination_port=known[1])
        return Sent(interface)
    own = addresses(interface)
    if packet.destination in own or packet.source in own or journey.is_answer:
        text = f"{nat.id} lets nothing in that was not asked for"
        journey.refuse("NO_POSSIBLE_DESTINATION", text, "ingress", nat_gateway=nat.id)
        return None
    if packet.protocol not in ("tcp", "udp", "icmp"):
        text = f"{nat.id} carries TCP, UDP and ICMP only"
        journey.refuse("PROTOCOL_RESTRICTION", text, "ingress", nat_gateway=nat.id)
        return None
    leaving = {s.private_ip_address for s in interface.secondary_addresses if s.draining_until}
    serving = [a for a in interface.private_ip_addresses if a not in leaving]
    chosen = journey.flow.choose(nat.id, serving)
    key = (nat.id, chosen, packet.destination, packet.destination_port)
    journey.flow.translations[key] = packet.source, packet.source_port
    among = f", one of its {len(serving)} addresses," if len(serving) > 1 else ""
    journey.note("nat_gateway", nat.id, "translate", f"{nat.id} makes {chosen}{among} of {packet.source}")
    journey.turn(source=chosen, source_port=EPHEMERAL_PORT if packet.protocol != "icmp" else 0)
    return Sent(interface)
