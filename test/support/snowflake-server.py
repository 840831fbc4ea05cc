"""Snowflake's protocol over fakesnow, as snowflake-sdk for Node speaks it.

fakesnow serves Python's connector: its answers are Arrow, and statements run at once. This gives rows as JSON, runs
statements that were asked for asynchronously (or take long) in a thread, stops them when asked, checks credentials, and
keeps what was sent for tests to look at (GET /test/queries).
"""

import datetime
import gzip
import importlib
import json
import os
import re
import sys
import threading
import uuid

import duckdb
import jwt
import sqlglot
import snowflake.connector.errors
import uvicorn
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

from fakesnow.converter import from_binding
from fakesnow.rowtype import describe_as_rowtype

# the package has a function of the same name
server = importlib.import_module("fakesnow.server")

PASSWORD = os.environ.get("TEST_PASSWORD", "")
TOKEN = os.environ.get("TEST_TOKEN", "")
PUBLIC_KEY = os.environ.get("TEST_PUBLIC_KEY", "")
# a statement that takes longer is answered later
PATIENCE_S = 0.5

# what has no effect on what tests look at, and fakesnow does not know
NOTHING_TO_DO = [r"^\s*alter session\b", r"^\s*(grant|revoke)\b", r"^\s*drop stage\b", r"^\s*use (warehouse|role)\b", r"^\s*alter .* (suspend|resume) recluster"]
SWAP = re.compile(r"^\s*alter table (\S+) swap with (\S+)\s*$", re.I)

queries = {}
log = []
# one at a time within a session, as in Snowflake
locks = {}


async def body_of(request):
    body = await request.body()
    if request.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    return json.loads(body) if body else {}


def refused(code, message, state=None, query_id=None):
    data = {"errorCode": code, "sqlState": state, "queryId": query_id, "internalError": False, "type": None}
    return {"data": data, "code": code, "message": message, "success": False}


async def login(request):
    data = (await body_of(request))["data"]
    authenticator = (data.get("AUTHENTICATOR") or "SNOWFLAKE").upper()
    if authenticator == "SNOWFLAKE_JWT":
        known = allowed_key(data)
    elif authenticator in ("OAUTH", "PROGRAMMATIC_ACCESS_TOKEN"):
        known = data.get("TOKEN") == TOKEN
    else:
        known = data.get("PASSWORD") == PASSWORD
    if not known:
        return JSONResponse(refused("390100", "Incorrect username or password was specified."))
    answer = json.loads((await server.login_request(request)).body)
    log.append({"login": authenticator, "role": request.query_params.get("roleName"),
                "warehouse": request.query_params.get("warehouse"), "parameters": data.get("SESSION_PARAMETERS")})
    server.sessions[answer["data"]["token"]].nop_regexes = NOTHING_TO_DO
    answer["data"].update(masterToken="master", sessionId=len(log), validityInSeconds=3600,
                          masterValidityInSeconds=14400)
    return JSONResponse(answer)


def allowed_key(data):
    try:
        # the driver gives its times in milliseconds
        claims = jwt.decode(data["TOKEN"], load_pem_public_key(PUBLIC_KEY.encode()), algorithms=["RS256"],
                            options={"verify_iat": False, "verify_exp": False})
        return claims["sub"].endswith("." + data["LOGIN_NAME"].upper()) and "SHA256:" in claims["iss"]
    except jwt.PyJWTError:
        return False


class Query:
    def __init__(self, conn, sql, bindings):
        self.id = str(uuid.uuid4())
        self.conn = conn
        self.sql = sql
        self.bindings = bindings
        self.answer = None
        self.stopped = False
        self.done = threading.Event()

    def run(self):
        with locks.setdefault(id(self.conn), threading.Lock()):
            try:
                self.answer = refused("000604", "SQL execution canceled", "57014", self.id) if self.stopped else self.result()
            except snowflake.connector.errors.ProgrammingError as e:
                self.answer = refused(f"{e.errno:06d}", self.message(e.msg), e.sqlstate, self.id)
            except duckdb.InterruptException:
                self.answer = refused("000604", "SQL execution canceled", "57014", self.id)
            except duckdb.TransactionException as e:
                # two transactions met; Snowflake makes one of them wait, and aborts one of a deadlock
                self.answer = refused("000625", f"Statement aborted: {e}", "57014", self.id)
            except duckdb.Error as e:
                self.answer = refused("000904", self.message(str(e)), "42000", self.id)
            except Exception as e:
                self.answer = refused("001003", self.message(f"SQL compilation error: {e}"), "42000", self.id)
            if not self.answer["success"] and self.stopped:
                self.answer = refused("000604", "SQL execution canceled", "57014", self.id)
        self.done.set()

    def execute(self, sql, params):
        if swap := SWAP.match(sql):
            one, other = swap.groups()
            aside = one[:-1] + '_ASIDE"' if one.endswith('"') else one + "_aside"
            for step in (f"alter table {one} rename to {aside}", f"alter table {other} rename to {one}"):
                self.conn.cursor().execute(step, server=True)
            return self.conn.cursor().execute(f"alter table {aside} rename to {other}", server=True)
        # DuckDB's temporary tables have no schema; one with a schema is a table, which its maker drops
        sql = re.sub(r"^(\s*create (?:or replace )?)temporary (table \S+\.)", r"\1\2", sql, flags=re.I)
        if re.match(r"^\s*(begin|start)\b", sql, re.I):
            # fakesnow describes what it ran, which DuckDB does not do with this one
            self.conn._duck_conn.execute("begin transaction")
            self.conn._in_transaction = True
            sql = "select 'Statement executed successfully.' as \"status\""
        if re.match(r"^\s*merge\b", sql, re.I):
            # fakesnow makes a table for it, which it may not do within a transaction
            duck = self.conn._duck_conn
            count = duck.execute(sqlglot.transpile(sql, read="snowflake", write="duckdb")[0]).fetchone()[0]
            sql = f'select {count} as "number of rows updated"'
        return self.conn.cursor().execute(sql, binding_params=params, server=True)

    def message(self, text):
        return re.sub(r"\x1b\[[0-9;]*m", "", text)

    def result(self):
        params = tuple(from_binding(self.bindings[str(n)]) for n in range(1, len(self.bindings) + 1)) if self.bindings else None
        cur = self.execute(self.sql, params)
        transformed = cur._last_transformed
        if transformed is not None and (put := transformed.args.get("put_stage_data")):
            keep = re.search(r"auto_compress\s*=\s*false", self.sql, re.I)
            return {"data": {**put, **({"autoCompress": False} if keep else {}), "queryId": self.id}, "success": True}
        described = cur._describe_last_sql()
        rowtype = [column(each) for each in described]
        table = cur._arrow_table
        rows = list(zip(*[[cell(v, c) for v in col.to_pylist()] for col, c in zip(table.columns, rowtype)])) if table else []
        return {"data": {
            "parameters": [{"name": name, "value": value} for name, value in PARAMETERS.items()], "rowtype": rowtype, "rowset": [list(r) for r in rows],
            "total": len(rows), "returned": len(rows), "queryId": self.id, "queryResultFormat": "json",
            "statementTypeId": STATEMENT_TYPES.get((self.sql.split() or [""])[0].lower(), 0x1000),
            "numberOfBinds": 0, "finalDatabaseName": self.conn.database, "finalSchemaName": self.conn.schema,
            "sqlState": "00000", "version": 1}, "code": None, "message": None, "success": True}


PARAMETERS = {"TIMEZONE": "Etc/UTC", "BINARY_OUTPUT_FORMAT": "HEX", "TIME_OUTPUT_FORMAT": "HH24:MI:SS.FF9"}
STATEMENT_TYPES = {"insert": 0x3100, "update": 0x3200, "delete": 0x3300, "merge": 0x3400, "create": 0x6000}


def column(described):
    try:
        return describe_as_rowtype([described])[0]
    except NotImplementedError:
        return describe_as_rowtype([(described[0], "VARCHAR", *described[2:])])[0]


def cell(value, c):
    """As Snowflake writes values into JSON: all of them text."""
    if value is None:
        return None
    kind = c["type"]
    if kind == "boolean":
        return "1" if value else "0"
    if kind == "date":
        return str((value - datetime.date(1970, 1, 1)).days)
    if kind == "time":
        return f"{value.hour * 3600 + value.minute * 60 + value.second}.{value.microsecond * 1000:09d}"
    if kind.startswith("timestamp"):
        plain = value.replace(tzinfo=None) if value.tzinfo is None else value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        delta = plain - datetime.datetime(1970, 1, 1)
        text = f"{delta.days * 86400 + delta.seconds}.{delta.microseconds * 1000:09d}"
        return f"{text} 1440" if kind == "timestamp_tz" else text
    if kind == "binary":
        return value.hex().upper()
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return str(value)


async def query(request):
    try:
        conn = server.to_conn(server.to_token(request))
    except server.ServerError as e:
        return JSONResponse(refused(e.code, e.message))
    body = await body_of(request)
    made = Query(conn, body["sqlText"], body.get("bindings"))
    queries[made.id] = queries[request.query_params["requestId"]] = made
    log.append({"id": made.id, "sql": body["sqlText"], "parameters": body.get("parameters"),
                "asynchronous": bool(body.get("asyncExec"))})
    threading.Thread(target=made.run, daemon=True).start()
    asynchronous = bool(body.get("asyncExec"))
    if not asynchronous and await run_in_threadpool(made.done.wait, PATIENCE_S):
        return JSONResponse(made.answer)
    code = "333334" if asynchronous else "333333"
    return JSONResponse({"data": {"queryId": made.id, "getResultUrl": f"/queries/{made.id}/result"},
                         "code": code, "message": "Query execution in progress.", "success": True})


async def result(request):
    made = queries[request.path_params["id"]]
    if await run_in_threadpool(made.done.wait, PATIENCE_S):
        return JSONResponse(made.answer)
    return JSONResponse({"data": {"queryId": made.id, "getResultUrl": f"/queries/{made.id}/result"},
                         "code": "333333", "message": "Query execution in progress.", "success": True})


async def status(request):
    made = queries.get(request.path_params["id"])
    if not made:
        return JSONResponse({"data": {"queries": []}, "success": True})
    state = "RUNNING" if not made.done.is_set() else "SUCCESS" if made.answer["success"] else "FAILED_WITH_ERROR"
    answer = made.answer or {}
    return JSONResponse({"data": {"queries": [{"id": made.id, "status": state, "errorCode": answer.get("code"),
                                               "errorMessage": answer.get("message")}]}, "success": True})


async def abort(request):
    wanted = request.path_params.get("id") or (await body_of(request)).get("requestId")
    made = queries.get(wanted)
    if made:
        made.stopped = True
        log.append({"stopped": made.id})
        if not made.done.is_set():
            made.conn._duck_conn.interrupt()
    return JSONResponse({"data": None, "code": None, "message": None, "success": True})


async def told(_request):
    return JSONResponse(log)


async def nothing(_request):
    return JSONResponse({"data": None, "code": None, "message": None, "success": True})


app = Starlette(routes=[
    Route("/session/v1/login-request", login, methods=["POST"]),
    Route("/session/heartbeat", nothing, methods=["POST"]),
    Route("/session", server.session, methods=["POST"]),
    Route("/telemetry/send", nothing, methods=["POST"]),
    Route("/queries/v1/query-request", query, methods=["POST"]),
    Route("/queries/v1/abort-request", abort, methods=["POST"]),
    Route("/queries/{id}/abort-request", abort, methods=["POST"]),
    Route("/queries/{id}/result", result, methods=["GET"]),
    Route("/monitoring/queries/{id}", status, methods=["GET"]),
    Route("/test/queries", told, methods=["GET"]),
])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical")
