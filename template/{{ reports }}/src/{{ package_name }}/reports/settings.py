from pydantic import Field, PositiveInt

from ..service.settings import ServiceSettings


class ReportsSettings(ServiceSettings):
    reports_retention: float = Field(default=7.0, gt=0, le=36_500)
    """Days for which a report can be fetched."""
    reports_chunk: PositiveInt = 1000
    """Rows that are held in memory at one time."""
    reports_pdf_rows: PositiveInt = 100_000
    """Most rows of a PDF, which is in memory as a whole; a CSV has any number."""
