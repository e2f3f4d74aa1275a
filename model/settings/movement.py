"""How news of the roads travels and what people do who cannot get on."""

from pydantic import Field

from safepassage.model.settings.base import Section


class Movement(Section):
    """Rules of movement that are not properties of the streets."""

    road_news_delay_s: float = Field(900.0, ge=0)
    """Time from the first person who meets a closed street until everybody knows of it (s). Assumption."""
    congestion_news_delay_s: float = Field(600.0, gt=0)
    """Age of what drivers know of queues, and time between two updates (s). Assumption."""
    patience_s: float = Field(1800.0, gt=0)
    """Time after which people in a car that has no way on, or stands in a gridlock, leave it and walk (s).
    Assumption."""
    walker_specific_flow_per_m_s: float = Field(1.225, gt=0)
    """Most walkers per metre of width and second (1/(m s)). Weidmann 1993."""
