"""The model as a web service, one customer at a time, by FastAPI."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, Field


class Phone(StrEnum):
    """A phone as the service knows it."""

    budget = "android-budget"
    new = "iphone-new"


class Customer(BaseModel):
    """Who asks, and for what."""

    phone: Phone
    spend: int = Field(ge=0)
    nights: int = Field(ge=1, le=30)
    base: float = Field(gt=0)


class Quote(BaseModel):
    """A price."""

    price: float
    currency: str


def app() -> Any:
    """Return the service, with an OpenAPI document of its own making."""
    import pricing
    from fastapi import FastAPI

    model, made = pricing.train(), FastAPI(title="Quotes")

    @made.post("/quote")
    def quote(customer: Customer) -> Quote:
        import pandas as pd

        frame = pd.DataFrame([customer.model_dump(mode="json")])
        (price,) = model.predict(frame[list(pricing.COLUMNS)]).tolist()
        return Quote(price=price, currency="CNY")

    return made
