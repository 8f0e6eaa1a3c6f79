// The page at /docs: choose who you are, run an action, watch it, resume, cancel, and release it; Swagger UI shows the
// rest.

const POLL_MS = 1000;
const COMPLETE = ["SUCCEEDED", "FAILED"];
const find = (id) => document.getElementById(id);
const read = async (path) => (await fetch(path)).json();

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Show a value of an action's details: text as it is, anything else as JSON.
const shownValue = (value) => (typeof value === "string" ? value : JSON.stringify(value));

const authorization = () => `Bearer ${find("token").value.trim()}`;

// How often a person was chosen. A response to an earlier choice is dropped.
let choices = 0;

// The action whose polls are shown: the one that was just run or resumed, until the next request.
let followed;

// Ask the provider, and show the request and its response; status 0 means that there was no answer.
// A poll is shown only for the followed action, so that it never replaces what a person is reading.
async function ask(method, path, { body, pollOf } = {}) {
  const choice = choices;
  const headers = { Authorization: authorization() };
  const options = { method, headers };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  if (pollOf === undefined) followed = undefined;
  let answer;
  try {
    const response = await fetch(path, options);
    answer = { ok: response.ok, status: response.status, document: await response.json() };
  } catch (error) {
    answer = { ok: false, status: 0, document: { description: String(error) } };
  }
  if (choice !== choices) return { ok: false };
  if (pollOf === undefined) followed = undefined; // a run may have been answered in the meantime
  if (pollOf === followed) show(method, path, body, answer);
  return answer;
}

function show(method, path, body, { ok, status, document: answered }) {
  const sent = body === undefined ? "" : ` ${JSON.stringify(body)}`;
  find("asked").replaceChildren(
    element("code", { textContent: `${method} ${path}${sent}` }),
    " ",
    element("span", { className: ok ? "badge SUCCEEDED" : "badge FAILED", textContent: status || "no answer" }),
  );
  find("answered").textContent = JSON.stringify(answered, null, 2);
  find("answered").hidden = false;
}

// Show a sentence in place of a request and its response.
function say(text) {
  find("asked").textContent = text;
  find("answered").hidden = true;
  followed = undefined;
}

// One action of the list: its status, and what can be done with it.
class ActionItem {
  constructor(action) {
    this.id = action.action_id;
    this.status = element("span");
    this.details = element("span", { className: "details" });
    this.resume = element("button", { textContent: "Resume", onclick: () => this.act("POST", "resume") });
    this.cancel = element("button", { textContent: "Cancel", onclick: () => this.act("POST", "cancel") });
    this.release = element("button", { textContent: "Release", onclick: () => this.act("POST", "release") });
    const log = element("button", { textContent: "Log", onclick: () => this.act("GET", "log") });
    const code = element("code", { textContent: this.id });
    const buttons = element("span", { className: "buttons" }, log, this.resume, this.cancel, this.release);
    this.item = element("li", {}, this.status, code, this.details, buttons);
    find("actions").prepend(this.item);
    this.update(action);
  }

  update(action) {
    const { status, display_status, details } = action;
    const complete = COMPLETE.includes(status);
    this.status.className = `badge ${status}`;
    this.status.textContent = status;
    const shown = Object.entries(details).map(([name, value]) => `${name}: ${shownValue(value)}`);
    if (display_status && display_status !== status) shown.unshift(display_status);
    this.details.textContent = shown.join(" · ");
    this.resume.hidden = status !== "INACTIVE";
    this.cancel.disabled = complete;
    this.release.disabled = !complete;
    if (!complete) this.watch();
  }

  watch() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.act("GET", "status", { pollOf: this.id }), POLL_MS);
  }

  async act(method, operation, options = {}) {
    const { ok, status, document: answered } = await ask(method, `/${this.id}/${operation}`, options);
    if (status === 404 || (ok && operation === "release")) this.forget();
    else if (ok && operation !== "log") this.update(answered);
    else if (options.pollOf && (status === 0 || status >= 500)) this.watch();
    if (ok && operation === "resume") followed = this.id;
  }

  forget() {
    clearTimeout(this.timer);
    this.item.remove();
    items.delete(this.id);
  }
}

const items = new Map();

function list(action) {
  if (items.has(action.action_id)) items.get(action.action_id).update(action);
  else items.set(action.action_id, new ActionItem(action));
}

async function run() {
  let body;
  try {
    body = JSON.parse(find("body").value);
  } catch (error) {
    say(`The body is not JSON: ${error.message}`);
    return;
  }
  const request_id = `docs-${Date.now()}-${Math.random().toString(36).slice(2)}`;
  const { ok, document: answered } = await ask("POST", "/run", { body: { request_id, body } });
  if (!ok) return;
  list(answered);
  followed = answered.action_id;
}

async function listAll() {
  const { ok, document: answered } = await ask("GET", "/actions?status=active,inactive,succeeded,failed");
  if (ok) answered.reverse().forEach(list);
}

function offer(people, onChoice) {
  for (const { name, token } of people) {
    const choose = element("button", { textContent: name, className: "person" });
    choose.onclick = () => {
      find("token").value = token;
      onChoice();
    };
    choose.dataset.token = token;
    find("people").append(choose);
  }
}

// Show Swagger UI, with the same token. A class on the page makes it dark.
function showOperations(description) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const dye = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", dye);
  dye();
  return SwaggerUIBundle({
    spec: description,
    dom_id: "#operations",
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    tryItOutEnabled: true,
    requestInterceptor: (request) => {
      request.headers.Authorization = authorization();
      return request;
    },
    validatorUrl: null,
  });
}

function clearResponses(swagger, paths) {
  for (const [path, operations] of Object.entries(paths)) {
    for (const method of Object.keys(operations)) {
      swagger.specActions.clearResponse(path, method);
      swagger.specActions.clearRequest(path, method);
    }
  }
}

async function start() {
  const [description, people] = await Promise.all([read("/openapi.json"), read("/docs/people.json")]);
  document.title = find("title").textContent = description.info.title;
  find("subtitle").textContent = description.info.summary;
  find("body").value = JSON.stringify(description.components.examples.Run.value.body);
  const swagger = showOperations(description);
  const onChoice = () => {
    const token = find("token").value.trim();
    choices += 1;
    items.forEach((item) => item.forget());
    say("Nothing yet.");
    clearResponses(swagger, description.paths);
    for (const person of find("people").children) person.ariaPressed = person.dataset.token === token;
  };
  offer(people, onChoice);
  find("token").onchange = onChoice;
  find("who").onsubmit = (event) => event.preventDefault();
  find("run").onclick = run;
  find("introspect").onclick = () => ask("GET", "/");
  find("list").onclick = listAll;
  find("people").firstElementChild?.click();
}

start().catch((error) => say(`The page could not be set up: ${error}`));
