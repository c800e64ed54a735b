"""
The documents that are stored in MongoDB.

MongoEngine only declares them: fields, defaults, types, indexes. It neither queries nor
saves. `find_one` and `find_all` query with PyMongo and decode rows into `Stored`
documents; `read` decodes a row of any other query. `add` inserts a new document; `row`
builds a row to insert, without a document object, on fast paths. An existing document
is changed by single guarded updates: `find_and_modify`, or PyMongo's own on
`collection`.
"""

from jimeng.documents.audit import AuditEntry
from jimeng.documents.batch import Batch
from jimeng.documents.bulk import BulkAction
from jimeng.documents.clock import utcnow
from jimeng.documents.collection import Collection
from jimeng.documents.connection import (
    WORKER_TIMEOUT,
    await_answer,
    best_effort,
    connect,
    operation_timeout,
)
from jimeng.documents.credentials import ApiKey, Attempts, Invitation, Session
from jimeng.documents.customer import Customer
from jimeng.documents.database_errors import is_away, lacks_index
from jimeng.documents.generation import Generation, State
from jimeng.documents.ids import new_token
from jimeng.documents.image import Image
from jimeng.documents.indexes import await_new, ensure_indexes
from jimeng.documents.input import Input, InputState
from jimeng.documents.lane import Lane, QuotaUsage, Switch, Worker
from jimeng.documents.ledger import CostSum, LedgerEntry, Settler
from jimeng.documents.price import PriceRow
from jimeng.documents.saved_prompt import SavedPrompt
from jimeng.documents.share import Share
from jimeng.documents.spending import Budget, OwnerBudget
from jimeng.documents.task import Status, Task
from jimeng.documents.usage import RateLimit
from jimeng.documents.user import User
from jimeng.documents.webhook import (
    WebhookAddress,
    WebhookDelivery,
    WebhookEndpoint,
)
