"""The Route 53 hosted zones that hold the names of load balancers, by region.

Source: AWS General Reference, "Elastic Load Balancing endpoints and quotas".
"""

from typing import NamedTuple

from seawall.model.load_balancer import LoadBalancerType


class _Zones(NamedTuple):
    application: str
    network: str


_BY_REGION = {
    "af-south-1": _Zones("Z268VQBMOI5EKX", "Z203XCE67M25HM"),
    "ap-east-1": _Zones("Z3DQVH9N71FHZ0", "Z12Y7K3UBGUAD1"),
    "ap-east-2": _Zones("Z02789141MW7T1WBU19PO", "Z09176273OC2HWIAUNYW"),
    "ap-northeast-1": _Zones("Z14GRHDCWA56QT", "Z31USIVHYNEOWT"),
    "ap-northeast-2": _Zones("ZWKZPGTI48KDX", "ZIBE1TIR4HY56"),
    "ap-northeast-3": _Zones("Z5LXEXXYW11ES", "Z1GWIQ4HH19I5X"),
    "ap-south-1": _Zones("ZP97RAFLXTNZK", "ZVDDRBQ08TROA"),
    "ap-south-2": _Zones("Z0173938T07WNTVAEPZN", "Z0711778386UTO08407HT"),
    "ap-southeast-1": _Zones("Z1LMS91P8CMLE5", "ZKVM4W9LS7TM"),
    "ap-southeast-2": _Zones("Z1GM3OXH4ZPM65", "ZCT6FZBF4DROD"),
    "ap-southeast-3": _Zones("Z08888821HLRG5A9ZRTER", "Z01971771FYVNCOVWJU1G"),
    "ap-southeast-4": _Zones("Z09517862IB2WZLPXG76F", "Z01156963G8MIIL7X90IV"),
    "ap-southeast-5": _Zones("Z06010284QMVVW7WO5J", "Z026317210H9ACVTRO6FB"),
    "ap-southeast-6": _Zones("Z023301818UFJ50CIO0MV", "Z01392953RKV2Q3RBP0KU"),
    "ap-southeast-7": _Zones("Z0390008CMBRTHFGWBCB", "Z054363131YWATEMWRG5L"),
    "ca-central-1": _Zones("ZQSVJUPU6J1EY", "Z2EPGBW3API2WT"),
    "ca-west-1": _Zones("Z06473681N0SF6OS049SD", "Z02754302KBB00W2LKWZ9"),
    "cn-north-1": _Zones("Z1GDH35T77C1KE", "Z3QFB96KMJ7ED6"),
    "cn-northwest-1": _Zones("ZM7IZAIOVVDZF", "ZQEIKTCZ8352D"),
    "eu-central-1": _Zones("Z215JYRZR1TBD5", "Z3F0SRJ5LGBH90"),
    "eu-central-2": _Zones("Z06391101F2ZOEP8P5EB3", "Z02239872DOALSIDCX66S"),
    "eu-north-1": _Zones("Z23TAZ6LKFMNIO", "Z1UDT6IFJ4EJM"),
    "eu-south-1": _Zones("Z3ULH7SSC9OV64", "Z23146JA1KNAFP"),
    "eu-south-2": _Zones("Z0956581394HF5D5LXGAP", "Z1011216NVTVYADP1SSV"),
    "eu-west-1": _Zones("Z32O12XQLNTSW2", "Z2IFOLAFXWLO4F"),
    "eu-west-2": _Zones("ZHURV8PSTC4K8", "ZD4D7Y8KGAS4G"),
    "eu-west-3": _Zones("Z3Q77PNBQS71R4", "Z1CMS0P5QUZ6D5"),
    "il-central-1": _Zones("Z09170902867EHPV2DABU", "Z0313266YDI6ZRHTGQY4"),
    "me-central-1": _Zones("Z08230872XQRWHG2XF6I", "Z00282643NTTLPANJJG2P"),
    "me-south-1": _Zones("ZS929ML54UICD", "Z3QSRYVP46NYYV"),
    "mx-central-1": _Zones("Z023552324OKD1BB28BH5", "Z02031231H3ID6HYJ9A7U"),
    "sa-east-1": _Zones("Z2P70J7HTTTPLU", "ZTK26PT1VY4CU"),
    "us-east-1": _Zones("Z35SXDOTRQ7X7K", "Z26RNL4JYFTOTI"),
    "us-east-2": _Zones("Z3AADJGX6KTTL2", "ZLMOA37VPKANP"),
    "us-gov-east-1": _Zones("Z166TLBEWOO7G0", "Z1ZSMQQ6Q24QQ8"),
    "us-gov-west-1": _Zones("Z33AYJ8TM3BH4J", "ZMG1MZ2THAWF1"),
    "us-west-1": _Zones("Z368ELLRRE2KJ0", "Z24FKFUX50B4VW"),
    "us-west-2": _Zones("Z1H1FL5HABSF5", "Z18D5FSROUN65G"),
}


def canonical_zone(type: LoadBalancerType, region: str) -> str:
    """The zone of a region's load balancers.  A region that is not in the table (one made up, one younger
    than it) is given that of us-east-1, so that alias records have something to name."""
    zones = _BY_REGION.get(region, _BY_REGION["us-east-1"])
    return zones.application if type == "application" else zones.network
