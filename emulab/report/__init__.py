"""Writing result documents: one exporter per format behind one protocol."""

from emulab.report.exporters import FORMATS, VERDICT_FORMATS, Exporter, check_requests, export

__all__ = ["FORMATS", "VERDICT_FORMATS", "Exporter", "check_requests", "export"]
