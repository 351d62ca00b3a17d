"""What a load balancer answers by itself.

Source: application load balancer troubleshooting guide for the codes; the bodies as load balancers of AWS
are seen to send them.
"""

from seawall.compile.balancer.text import word
from seawall.program.balancer import BalancerFile

SERVER = "awselb/2.0"
REASONS = {
    301: "Moved Permanently",
    302: "Found",
    400: "Bad Request",
    405: "Not Allowed",
    408: "Request Time-out",
    414: "Request-URI Too Large",
    463: "",
    464: "",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
    505: "HTTP Version Not Supported",
}
_OWN = (400, 408, 500, 502, 504)  # those the engine answers unasked; 503 is made anew each time


def title(status: int) -> str:
    return f"{status} {REASONS[status]}".strip()


def page(title: str) -> str:
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    )


def refusal(status: int, condition: str) -> str:
    """A rule of the load balancer's own, which no user made."""
    return (
        f"http-request return status {status} content-type text/html string {word(page(title(status)))} "
        f"hdr Server {SERVER} if {condition}"
    )


def page_files() -> tuple[BalancerFile, ...]:
    """Whole answers, as `errorfile` takes them."""
    return tuple(BalancerFile(name=f"{status}.http", content=_answer(status)) for status in _OWN)


def page_lines() -> list[str]:
    return [f"errorfile {status} files/{status}.http" for status in _OWN]


def _answer(status: int) -> str:
    body = page(title(status))
    return (
        f"HTTP/1.1 {title(status)}\r\nServer: {SERVER}\r\nContent-Type: text/html\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    )
