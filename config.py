"""The settings and their defaults. WHATTIME_<NAME> in the environment overrides any of them."""

# The registration of this provider with Globus Auth: its client's id (a UUID).
CLIENT_ID = None
# That client's secret. Without id and secret, `python -m app` runs in local mode.
CLIENT_SECRET = None
# The scope of that client that callers' tokens must have.
SCOPE = None

# Where actions are kept: memory:// (this process, as long as it runs), sqlite:///FILE or postgresql+psycopg://…
DATABASE_URL = "memory://"

# The shortest time that an action takes, in seconds.
MIN_SECONDS = 5
# The longest time that an action takes, in seconds.
MAX_SECONDS = 900
# The share of actions that fail, from 0 (none) to 1 (all).
FAILURE_RATE = 0.3
# A whole number that makes chance repeatable: the same durations and failures in each run.
RANDOM_SEED = None

# How long a completed action is kept where its request does not say (ISO 8601 duration).
RELEASE_AFTER = "P30D"
# The longest time that a request can have its action kept (ISO 8601 duration).
MAX_RELEASE_AFTER = "P365D"
# How far in the future a request's deadline may be (ISO 8601 duration).
MAXIMUM_DEADLINE = "P30D"

# Who may introspect: principal URNs separated by commas, all_authenticated_users, or public.
VISIBLE_TO = "all_authenticated_users"
# Who may run actions: principal URNs separated by commas, or all_authenticated_users.
RUNNABLE_BY = "all_authenticated_users"

# People that the page at /docs offers to be, NAME=TOKEN with commas between them. All can read it: for local mode.
DOCS_TOKENS = None

# The largest request body that is read, in bytes.
MAX_CONTENT_LENGTH = 65536

# How requests are logged, to stderr: plain, json, or off.
LOG_FORMAT = "plain"

# How long Globus Auth's answer about a token holds, in seconds.
TOKEN_CACHE_SECONDS = 30
# How many tokens are remembered at once.
TOKEN_CACHE_SIZE = 10000
