"""The journal of a run: a SQLite file that records the outcome of each item. A later run resumes from it.

Each item is recorded as *started* before it is sent, and as ended before it is reported. A process that is killed
leaves a file that needs no repair: an item without an end was interrupted.
"""

from alexa_props.fleet.journal.reader import JournalContent, Record, read_journal
from alexa_props.fleet.journal.records import Begun, Earlier
from alexa_props.fleet.journal.writer import Journal

__all__ = ["Begun", "Earlier", "Journal", "JournalContent", "Record", "read_journal"]
