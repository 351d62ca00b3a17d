"""What a token opens is what the policies of its owner allow, when it is used."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.registry.conftest import ACCOUNT, Failed, Lab

from seawall.api.ecr.token import new_token
from seawall.iam.principal import Principal
from seawall.model.access_key import RoleSession
from seawall.model.image import Image
from seawall.model.role import Role
from seawall.model.user import User

PULL = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
PUSH = [
    *("ecr:BatchCheckLayerAvailability", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart"),
    *("ecr:CompleteLayerUpload", "ecr:PutImage"),
]
WEB = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/web"


def allow(actions: list[str]) -> dict[str, str]:
    statement = {"Effect": "Allow", "Action": actions, "Resource": WEB}
    return {"p": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}


def token_of_ann(lab: Lab, actions: list[str]) -> str:
    """A token of user ann, who may do `actions` on the repository web."""
    arn = f"arn:aws:iam::{ACCOUNT}:user/ann"
    caller = Principal(kind="user", account=ACCOUNT, arn=arn, user_id="AIDAANN", access_key_id="AKIAANN")
    with lab.store.write() as txn:
        txn.put(User(id="ann", user_id="AIDAANN", create_date=lab.now, inline_policies=allow(actions)))
        return new_token(txn, caller, lab.now)[0]


@pytest.fixture
def layout(tmp_path: Path, write_layout: Callable[..., str]) -> Path:
    directory = tmp_path / "image"
    write_layout(directory, {"hello": b"hello\n" * 100})
    return directory


def denied(action: str, repository: str = WEB) -> str:
    return (
        f"User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: {action} on resource:"
        f" {repository} because no identity-based policy allows the {action} action"
    )


def test_pushing_and_pulling_are_allowed_one_by_one(in_lab: Any, layout: Path, tmp_path: Path) -> None:
    async def scenario(lab: Lab) -> None:
        lab.make_repository("web")
        lab.make_repository("other")
        with pytest.raises(Failed, match="is not authorized to perform: ecr:InitiateLayerUpload"):
            await lab.push(layout, "web:a", token=token_of_ann(lab, ["ecr:BatchCheckLayerAvailability"]))
        await lab.push(layout, "web:a", token=token_of_ann(lab, PUSH))
        with pytest.raises(Failed) as caught:
            await lab.push(layout, "other:a", token=token_of_ann(lab, PUSH))
        assert "repository other: 403 (Forbidden)" in str(caught.value)  # its HEAD has no text

        async def pull(token: str, to: str) -> str:
            return await lab.run(
                *("skopeo", "--insecure-policy", "copy", "--src-tls-verify=false"),
                *("--src-creds", f"AWS:{token}", f"docker://{lab.host}/web:a", f"dir:{tmp_path / to}"),
            )

        token = token_of_ann(lab, PUSH)
        with pytest.raises(Failed) as caught:
            await pull(token, "no")
        assert denied("ecr:BatchGetImage") in str(caught.value)
        token_of_ann(lab, PULL)  # the token is the same; what counts is what ann may do now
        await pull(token, "yes")

    in_lab(scenario)


def test_the_registry_of_another_account_is_not_ours(in_lab: Any, layout: Path) -> None:
    """Its name leads to the same address, as all of them do."""

    async def scenario(lab: Lab) -> None:
        lab.make_repository("web")
        await lab.push(layout, "web:a")
        other = "Host: 999999999999.dkr.ecr.us-east-1.amazonaws.com"
        asked = (
            "curl",
            "-s",
            "-u",
            f"AWS:{token_of_ann(lab, PULL)}",
            f"http://{lab.host}/v2/web/manifests/a",
        )
        (error,) = json.loads(await lab.run(*asked, "-H", other))["errors"]
        assert error["code"] == "DENIED"
        assert error["message"] == (
            f"User: arn:aws:iam::{ACCOUNT}:user/ann is not authorized to perform: ecr:BatchGetImage on"
            " resource: arn:aws:ecr:us-east-1:999999999999:repository/web because no resource-based policy"
            " allows the ecr:BatchGetImage action"
        )
        ours = f"Host: {ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"
        assert "layers" in json.loads(await lab.run(*asked, "-H", ours))

    in_lab(scenario)


def test_a_token_of_a_session_ends_with_it(in_lab: Any) -> None:
    async def scenario(lab: Lab) -> None:
        lab.make_repository("web")
        arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/app/s"
        caller = Principal(
            kind="assumed-role", account=ACCOUNT, arn=arn, user_id="AROA:s", access_key_id="ASIAAPP"
        )
        with lab.store.write() as txn:
            txn.put(
                Role(
                    id="app",
                    role_id="AROA",
                    create_date=lab.now,
                    assume_role_policy_document="{}",
                    inline_policies=allow(["ecr:ListImages"]),
                )
            )
            session = RoleSession(
                id="ASIAAPP", secret="s", session_token="t", role="app", session_name="s", expiration=lab.now
            )
            txn.put(session)
            token = new_token(txn, caller, lab.now)[0]
        listing = ("curl", "-s", "-u", f"AWS:{token}", f"http://{lab.host}/v2/web/tags/list")
        assert json.loads(await lab.run(*listing)) == {"name": "web", "tags": []}
        with lab.store.write() as txn:
            txn.delete(RoleSession, "ASIAAPP")
        assert "Your authorization token has expired" in await lab.run(*listing)

    in_lab(scenario)


def test_layers_of_other_repositories_stay_there(in_lab: Any, layout: Path) -> None:
    """Neither a path with dots, nor one with two repositories, nor a mount leads around permissions."""

    async def scenario(lab: Lab) -> None:
        for name in ("web", "secret", "web/blobs/deep"):
            lab.make_repository(name)
        await lab.push(layout, "secret:a")
        await lab.push(layout, "web/blobs/deep:a")
        secret = lab.store.find(Image, next(iter(lab.tags())))
        assert secret is not None
        manifest = await lab.registry.manifest("secret", secret.digest)
        assert manifest is not None
        layer = json.loads(manifest)["layers"][0]["digest"]
        token = token_of_ann(lab, [*PUSH, *PULL])
        base, auth = f"http://{lab.host}", ("-u", f"AWS:{token}")

        async def status(*more: str) -> str:
            said = ("-s", "-o", "/dev/null", "-w", "%{http_code}", "--path-as-is")
            return await lab.run("curl", *said, *auth, *more)

        assert await status(f"{base}/v2/secret/blobs/{layer}") == "403"
        for way in (
            f"web/blobs/../../secret/blobs/{layer}",
            f"web/blobs/%2e%2e/%2E%2E/secret/blobs/{layer}",
            f"web/blobs/x/../../../secret/blobs/{layer}",
        ):
            assert await status(f"{base}/v2/{way}") == "404", way
        assert await status("-X", "POST", f"{base}/v2/web/blobs/../../secret/blobs/uploads/") == "404"
        assert await status(f"{base}/v2/web/blobs/deep/blobs/{layer}") == "403"

        mount = f"{base}/v2/web/blobs/uploads/"
        assert await status("-X", "POST", f"{mount}?mount={layer}&from=secret") == "202"
        assert await status("-d", f"mount={layer}&from=secret", mount) == "202"
        assert await lab.registry.blob_size("web", layer) is None
        async with httpx.AsyncClient(base_url=base, auth=("AWS", lab.token())) as root:
            mounted = await root.post(f"/v2/web/blobs/uploads/?mount={layer}&from=secret")
        assert mounted.status_code == 201

    in_lab(scenario)
