// The page at /docs: choose who you are, run an action, watch it, cancel and release it; Swagger UI shows the rest.

const POLL_MS = 1000;
const find = (id) => document.getElementById(id);
const read = async (path) => (await fetch(path)).json();

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

// Ask the provider, with the token that was chosen, and show what was asked and answered.
async function ask(method, path, body) {
  const headers = { Authorization: `Bearer ${find("token").value.trim()}` };
  const options = { method, headers };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    const response = await fetch(path, options);
    answer = { ok: response.ok, status: response.status, document: await response.json() };
  } catch (error) {
    answer = { ok: false, status: "no answer", document: { description: String(error) } };
  }
  show(method, path, body, answer);
  return answer;
}

function show(method, path, body, { ok, status, document: answered }) {
  const sent = body === undefined ? "" : ` ${JSON.stringify(body)}`;
  find("asked").replaceChildren(
    element("code", { textContent: `${method} ${path}${sent}` }),
    " ",
    element("span", { className: ok ? "badge SUCCEEDED" : "badge FAILED", textContent: status }),
  );
  find("answered").textContent = JSON.stringify(answered, null, 2);
  find("answered").hidden = false;
}

// One action of the list: its status, and what can be done with it.
class ActionItem {
  constructor(action) {
    this.id = action.action_id;
    this.status = element("span");
    this.details = element("span", { className: "details" });
    this.cancel = element("button", { textContent: "Cancel", onclick: () => this.act("POST", "cancel") });
    this.release = element("button", { textContent: "Release", onclick: () => this.act("POST", "release") });
    const log = element("button", { textContent: "Log", onclick: () => this.act("GET", "log") });
    const code = element("code", { textContent: this.id });
    const buttons = element("span", { className: "buttons" }, log, this.cancel, this.release);
    this.item = element("li", {}, this.status, code, buttons, this.details);
    find("actions").prepend(this.item);
    this.update(action);
  }

  update(action) {
    const active = action.status === "ACTIVE";
    this.status.className = `badge ${action.status}`;
    this.status.textContent = action.status;
    this.details.textContent = Object.entries(action.details).map(([name, value]) => `${name}: ${value}`).join(" · ");
    this.cancel.disabled = !active;
    this.release.disabled = active;
    clearTimeout(this.timer);
    if (active) this.timer = setTimeout(() => this.act("GET", "status"), POLL_MS);
  }

  async act(method, operation) {
    const { ok, status, document: answered } = await ask(method, `/${this.id}/${operation}`);
    if (status === 404 || (ok && operation === "release")) this.forget();
    else if (ok && operation !== "log") this.update(answered);
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
    find("asked").textContent = `The body is not JSON: ${error.message}`;
    return;
  }
  const request_id = `docs-${Date.now()}-${Math.random().toString(36).slice(2)}`;
  const { ok, document: answered } = await ask("POST", "/run", { request_id, body });
  if (ok) list(answered);
}

async function listAll() {
  const { ok, document: answered } = await ask("GET", "/actions?status=active,succeeded,failed");
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

// Swagger UI, with the same token. Its dark colours go by a class.
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
    validatorUrl: null,
  });
}

async function start() {
  const [description, people] = await Promise.all([read("/openapi.json"), read("/docs/people.json")]);
  document.title = find("title").textContent = description.info.title;
  find("subtitle").textContent = description.info.summary;
  find("body").value = JSON.stringify(description.components.examples.Run.value.body);
  const ui = showOperations(description);
  const onChoice = () => {
    const token = find("token").value.trim();
    items.forEach((item) => item.forget());
    for (const person of find("people").children) person.ariaPressed = person.dataset.token === token;
    ui.preauthorizeApiKey("token", token);
  };
  offer(people, onChoice);
  find("token").onchange = onChoice;
  find("run").onclick = run;
  find("introspect").onclick = () => ask("GET", "/");
  find("list").onclick = listAll;
  find("people").firstElementChild?.click();
}

start();
