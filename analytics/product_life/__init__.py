"""The lives of products: introduction, growth, maturity, decline, discontinued; turns and odd weeks with evidence."""

from analytics.product_life.evidence import EvidenceResult, find_evidence
from analytics.product_life.feedback import StageFeedback, rate_stages
from analytics.product_life.goods import describe_goods
from analytics.product_life.spec import STAGES, Goods, ProductLifeResult, ProductLifeSpec, Stage
from analytics.product_life.trace import trace_products

__all__ = [
    "STAGES",
    "EvidenceResult",
    "Goods",
    "ProductLifeResult",
    "ProductLifeSpec",
    "Stage",
    "StageFeedback",
    "describe_goods",
    "find_evidence",
    "rate_stages",
    "trace_products",
]
