"""When a target is out of use, or in use again: a client asks nodes with the cookie that leads to it.

Runs alone, inside a namespace: target_watch.py PORT ADDRESS...  Answers each line it reads:

    choose             "TARGET COOKIE MS": a target, what leads to it, and how long a request took
    gone TARGET COOKIE   when the last of the nodes stopped leading there
    back TARGET COOKIE   when the last of them led there again

Times are seconds of the machine's monotonic clock.
"""

import http.client
import sys
import time

PAUSE_S = 0.0005


def ask(node: http.client.HTTPConnection, cookie: str = "") -> tuple[str, str]:
    """Who answered, and the cookie that came with it; nobody where the target's end took it along."""
    try:
        node.request("GET", "/", headers={"Cookie": cookie} if cookie else {})
        answer = node.getresponse()
    except ConnectionError:
        node.close()
        return "", ""
    given = [value for name, value in answer.getheaders() if name.lower() == "set-cookie"]
    found = next((value.partition(";")[0] for value in given if value.startswith("AWSALB=")), "")
    return answer.read().decode(), found


def chosen(node: http.client.HTTPConnection) -> str:
    target, cookie = ask(node)
    began = time.monotonic()
    ask(node, cookie)
    return f"{target} {cookie} {(time.monotonic() - began) * 1000}"


def changed(nodes: list[http.client.HTTPConnection], target: str, cookie: str, there: bool) -> float:
    last = 0.0
    for node in nodes:
        while (ask(node, cookie)[0] == target) is not there:
            time.sleep(PAUSE_S)
        last = time.monotonic()
    return last


def main() -> None:
    port, *addresses = sys.argv[1:]
    nodes = [http.client.HTTPConnection(address, int(port), timeout=10) for address in addresses]
    print("ready", flush=True)
    for line in sys.stdin:
        what, *rest = line.split()
        if what == "choose":
            print(chosen(nodes[0]), flush=True)
        else:
            target, cookie = rest
            print(changed(nodes, target, cookie, what == "back"), flush=True)


if __name__ == "__main__":
    main()
