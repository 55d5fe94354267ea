"""Limits of Salesforce, each with the page that states it."""

from datetime import timedelta

# REST guide, resources-composite-batch: subrequests of one call.
BATCH_REQUESTS = 25
# App limits cheatsheet, API: a URI of 16,384 bytes is refused; help 000386264 advises less, and
# that a long query goes as a composite subrequest.
LONGEST_URI = 8_000
# Ids in one IN list: far below the query's length, and what Salesforce answers quickly.
IDS_IN_A_QUERY = 500
# Ids in one IN list of a composite call, whose live records are looked for, usually none: 84,000 of
# the 100,000 characters of a query (SOQL limits).
IDS_IN_A_LOOK = 4_000
# Documents in one IN list: each may have many links.
DOCUMENTS_IN_A_QUERY = 200
# REST guide, retrieve records with sObject Collections: 2,000 ids a call.
IDS_IN_A_RETRIEVE = 2_000
# REST guide, composite: at most this many of its subrequests can be collections or queries.
COLLECTIONS_IN_A_COMPOSITE = 5
# Characters of one answer that fit into memory, even if all long texts of its records are full.
LONGEST_ANSWER = 100_000_000
# REST guide, resources-getdeleted: 15 days back, the end at least a minute after the start.
DELETE_LOG = timedelta(days=15)
# A window of exactly 15 days is refused: one day less is requested.
DELETE_LOG_MARGIN = timedelta(days=1)
SHORTEST_LOG_WINDOW = timedelta(minutes=1)
# Metadata: nothing in Salesforce is older.
OLDEST = "1999-01-01T00:00:00Z"
# Windows are not halved below this; more rows in a minute than a query can read are refused.
SHORTEST_WINDOW = timedelta(minutes=1)
# App limits cheatsheet, API: allocations are of rolling 24 hours; asking again after an hour.
LIMIT_PAUSE = timedelta(hours=1)
# Seconds between polls of a Bulk job: each poll is an API call.
POLLS = (0.5, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0, 30.0, 60.0)
# ids of views and virtual objects (object reference): all rows have this one.
EMPTY_KEY = "000000000000000AAA"
# Up to this many ids a census uses REST, whose pages hold 2,000; above, Bulk takes fewer calls.
CENSUS_BULK_ABOVE = 10_000
# REST guide, query options header: 200 is the smallest size of a page. Asked for if a page is larger
# than an answer may be.
SMALL_PAGE = {"Sforce-Query-Options": "batchSize=200"}
# A page may be empty though others follow; so many in a row are no result.
MOST_EMPTY_PAGES = 100
# Records of a list that is known to be short, such as the permissions of a user.
MOST_SMALL = 200_000
# With the last pause of ``POLLS`` more than two days; Salesforce stops query jobs earlier.
MOST_POLLS = 3_000
