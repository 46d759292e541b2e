"""The journal of a run records the outcome of each item. A later run resumes from it.

Each item is recorded as *started* before it is sent, and as ended before it is reported. A process that is killed
leaves a journal that needs no repair: an item without an end was interrupted.

`Journal` queues and writes the records, `changes` decides what they are. A `Store` keeps them: a SQLite file, or
PostgreSQL.
"""

from alexa_props.fleet.journal.content import JournalContent, Record
from alexa_props.fleet.journal.place import FilePlace, JournalAt, Place, conceal, place_of, read_journal
from alexa_props.fleet.journal.records import Begun, Earlier
from alexa_props.fleet.journal.writer import Journal

__all__ = [
    "Begun",
    "Earlier",
    "FilePlace",
    "Journal",
    "JournalAt",
    "JournalContent",
    "Place",
    "Record",
    "conceal",
    "place_of",
    "read_journal",
]
