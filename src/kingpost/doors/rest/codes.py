"""Every id that an answer of this door may carry, with the words of its page at `/problems/{id}`.

A test holds the table complete for the rooms behind this door.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of problem: `title` in a few words, `text` says what happened and what to do."""

    id: str
    title: str
    text: str


_TABLE: Final = """
# what is asked of the data
KP110 Unknown name
    There is no field or relation of this name, or none that you may read. The API page lists the names of each
    resource.
KP111 A list where one value is needed
    The path crosses a relation to many rows. Such a path can be filtered by, not sorted or grouped by.
KP112 A value of another type
    The value can't be read as the type of the field it is compared with. The message says which form it takes.
KP113 The condition is not understood
    The text of where= is not an expression that this API knows. The message says which part; the language page
    lists what can be said.
KP114 The operator does not fit
    This field can't be compared that way: only values with an order take lt, le, gt and ge, only text takes
    contains, startswith and endswith.
KP115 The order is not possible
    sort names something that has no order, no member of the groups that are asked for, or more keys than are allowed.
KP116 The summary is not possible
    group, count, sum, min, max or avg names something that can't be summarised that way.
KP117 Not a cursor of this list
    A cursor goes on with the same list, filter, order and actor that it came from. Start again without after.
KP120 Too deep
    A path crosses more relations than are allowed. Ask for the inner rows in a second request.
KP121 An include that reaches too much
    The rows of this page have more related rows than one answer holds. Ask for fewer rows with limit, or filter them.
KP122 Too many relations
    An answer fills in only so many relations. Ask for the others in a second request.
KP123 The question is too large
    The conditions, orders and summaries of a question may have only so many parts, once computed fields and rules are
    put in their place, and look at lists of rows only so often, and only so deep inside of one another. Ask less at
    once.
KP124 The text is too long
    A text that is looked for inside of others, or that is put together of others, is longer than is admitted. Take a
    part of it, like title[:100].
KP125 Too much to look at one by one
    Other stores have a part in this question, and what is left when its own store has done its part is more than is
    looked at in memory. Filter by more that the rows' own store knows, or by fewer rows of the others.
KP303 A decimal that this store can't keep
    The store that holds these rows keeps decimals with fewer digits.
KP304 Not possible in this store
    The store that holds these rows can't do what the condition, order or summary asks. The message says which part.
KP305 Too large for this store
    The condition, or what is shown, becomes a statement that is too large. Ask for less at once.
KP306 No SQL here
    The application asked a store in SQL that does not speak it.

# what is reached
KP150 No such resource
    Nothing is served at this address. The API page lists all addresses.
KP151 Method not allowed
    This address does not take this method; the header Allow lists those it takes.
KP152 No such format
    Accept names only formats that this address does not have. Lists and rows have application/json, text/csv and
    application/x-ndjson.

# the query
KP153 The query is too long
    The address has more characters, or more parameters, than are read. Shorten the filter.
KP154 The query is not text
    A parameter is not UTF-8, or holds a NUL character.
KP155 Unknown parameter
    The address does not take this parameter. A list takes fields as filters and where, q, include, fields, sort,
    limit, after, offset, count, group, sum, min, max and avg; a row takes include and fields.
KP156 A parameter is given twice
    Each parameter may be given once. Several values go into one: sort=-a,b or name[in]=x,y.
KP157 A parameter is not understood
    The value of the parameter has another form than it takes; the message says which.
KP158 Unknown operator
    Filters know eq, ne, lt, le, gt, ge, in, contains, startswith, endswith and none, written name[ge]=3.
KP159 Parameters that exclude each other
    These parameters can't be used together: a page starts at a cursor or at an offset, a summary has no pages.

# the body
KP160 The body is too large
    The body has more bytes than are accepted, or comes in more pieces. Split it, or send it in larger ones.
KP161 The type of the body is not accepted
    Send JSON with Content-Type: application/json (for PATCH also application/merge-patch+json), in UTF-8, not
    compressed.
KP162 The body is not JSON
    The body is not one JSON value by RFC 8259 in UTF-8. NaN and infinities are not JSON.
KP163 A member is given twice
    An object in the body has two members of the same name, so which one counts would be a guess.
KP164 The body is nested too deeply
    Arrays and objects are nested deeper than is accepted.
KP165 Another JSON value is expected
    The body must be one object, or where many rows are written an array: of objects, to delete also of keys.
KP166 Too many elements
    An array that is written has at most as many elements as the message says. Send several requests.
KP167 The body broke off
    The connection ended, or what came is no body by HTTP, before as many bytes had come as were announced. Send the
    request again.
KP168 Too many groups
    A summary has more groups than one answer holds. Filter, or say with limit that the first ones are enough.

# conditions
KP170 The header is not understood
    The header named in the message does not have the form that its standard gives it.
KP171 The row has changed
    The row no longer has the version named in If-Match. Read it again, and decide anew. Many rows that are written with
    one request have no version to name: write them one by one.
KP172 A version is needed
    This API changes a row only if If-Match names the version that you read, so that nobody's change is lost.
KP173 The row exists
    If-None-Match forbids the request for a row as it is.

# the server
KP174 The request did not come in time
    The body of the request came in too slowly. Send it again over a better connection, or in smaller parts.
KP190 An error in the server
    Something went wrong that is not your doing. The log of the server tells more under the id in instance.

# questions over everything
KP180 The expression is not of these tables
    An analysis computes with the tables of its own block: begin with one of them. The message names what is none.
KP181 The answer is too long
    An answer that is held in memory has 100,000 rows at most. Aggregate, limit it, or write it to a file.
KP182 It can't be computed
    DuckDB has no words for the expression, or met a value that it can't compute with, or has too little room. The
    message says which.
KP183 A value does not fit
    What the store holds is not of the declared type, or has more digits than are computed with exactly.
KP184 No form of an answer
    Answers are written as .csv, .json, .ndjson and .parquet.

# what the rules and the data say
KP401 Authentication is needed
    Nobody is logged in, and the rules would have to know who asks.
KP403 Not allowed
    The rules do not let you do this.
KP404 Not found
    There is no such row, or none that you may see: the two are not told apart.
KP409 A value is taken
    Another row has this value, or this combination of values, and it must be unique.
KP410 The row is in use
    Other rows refer to this one, or to what would be deleted with it. The message names the relations and counts the
    rows that you see: delete or change those first. Rows that were deleted and are kept refer to it, too; on_delete= in
    the declaration of the relation says that they go with it, or refer to nothing then.
KP411 Others are changing this row
    The change was tried several times, and each time somebody else was faster. Try again.
KP412 The row has changed
    The row no longer has the version named in If-Match. Read it again, and decide anew.
KP413 More than one row
    One row was expected, and several fulfil the conditions.
KP414 The application refuses
    The present state of things does not admit what was asked; the message is the application's own.
KP415 The key was free a moment ago
    A row of this key was deleted, and rows of other stores that refer to it have not followed yet. Try again in a few
    seconds.
KP416 Too much would go with this row
    Deleting this row takes rows of other stores along, and more of them than are looked at for one delete. Delete those
    first, some at a time.
KP422 The input is not accepted
    Members are missing, unknown, not writable, or of another type or range, or refer to no row that you may see. Each
    entry of errors points at one of them.
KP423 A value is out of range
    A value, or the result of a computation, is beyond what can be stored. Or a value that is stored can't be read: in
    a table that others write it has another form than was declared.
KP424 A key does not change
    The key of a row is fixed when it is created. Create another row instead.
KP425 A check of the resource failed
    The resource has checks of its own; the message is theirs.
KP426 A value must be given
    The member named in errors gets its value from who is logged in, and nobody is.
KP427 The application refuses an input
    The member named in errors can't be what it is, for a reason of the application; the message is its own.
KP430 The request is being answered
    A request with this Idempotency-Key is in progress. Wait for its answer, or ask again later.
KP431 The Idempotency-Key was used for another request
    A key stands for one request and its body. Send another request with another key.
KP503 The store does not answer
    The database behind this API, which the message names, can't be reached. The header Retry-After says when to try
    again; nothing of a write has taken effect.
KP504 The store could not take the change
    The database behind this API refused the change for now. Try again.
KP505 The outcome is not known
    The connection to the database broke, or the time was up, before it told what became of the write: it was done as
    a whole, or not at all. Repeat the request with the same Idempotency-Key and it is done once. Without a key, look.
KP506 The answer took too long
    The time that a request or a statement may take is over, and it was stopped. Ask for less at once, filter by
    something that narrows it down, or try again later.
KP507 The store is full
    The disk of the database behind this API has no room left. Nothing of the write has taken effect; what is there can
    be read.
KP508 Too many requests at once
    This server answers as many requests as it can, and this would have been one more. Nothing was done. Wait as long as
    the header Retry-After says, and send it again.
"""

CODES: Final = {
    id: Code(id, title, " ".join(text.split()))
    for id, title, text in re.findall(r"^(K[A-Z]\d{3}) (.+)\n((?:    .+\n)+)", _TABLE, re.MULTILINE)
}
