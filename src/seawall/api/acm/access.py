"""What the operations of Certificate Manager ask permission for.

Source: "Actions, resources, and condition keys for AWS Certificate Manager".
"""

from seawall.iam.access import CallFacts, Plain, Target, access
from seawall.model.listener import Certificate


def _certificate(params: Plain, facts: CallFacts) -> list[Target]:
    """A certificate that is yet to be imported has no id."""
    arn = params.get("CertificateArn")
    if not arn:
        return [Target(facts.arn("acm", "certificate/*"))]
    found = facts.store.find(Certificate, arn.rpartition("/")[2])
    return [Target(arn, found.tags if found else {})]


for _operation in (
    *("AddTagsToCertificate", "DeleteCertificate", "DescribeCertificate", "ExportCertificate"),
    *("GetCertificate", "ImportCertificate", "ListTagsForCertificate", "RemoveTagsFromCertificate"),
):
    access("acm", _operation, resources=_certificate)
