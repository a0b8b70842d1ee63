// SPDX-License-Identifier: Apache-2.0
/*
 * One tag for a page of an agency:
 *
 *   <script type="module" src="https://portal.ca.vn/sdk/embed.js"></script>
 *   <mokhoa-unlock portal="https://portal.ca.vn" agency="dai-ly-an" lang="vi"></mokhoa-unlock>
 *
 * It shows the unlock page of the portal in a frame. Everything that concerns a token happens in there, under the portal's origin; this page
 * hears how far it has come (events "state", "done", "error") and nothing of the token. portal/embed/README.md has the messages.
 *
 * This file imports nothing and writes no style of its own into the page, so that a strict Content-Security-Policy needs script-src and
 * frame-src of the portal alone.
 */

/** The version of the messages between this page and the frame. */
export const EMBED_VERSION = 1;

const SECONDS = 15; /* until a frame that has said nothing counts as refused */
const HEIGHT = { first: 420, least: 120, most: 20000 };
const RESULTS = ["completed", "refused", "failed", "expired", "cancelled", "locked_out"];
const THEME = ["accent", "radius", "font"];

/* Without both names a browser shuts the frame out of this computer's own addresses (Local Network Access), on which the host may listen. */
const ALLOW = "loopback-network; local-network-access";

const texts = {
  title: { vi: "Mở khóa token", en: "Unlock your token" },
  elsewhere: { vi: "Mở trang của nhà cung cấp", en: "Open the authority's own page" },
};

const causes = {
  embed_attribute: [
    ["Thẻ mokhoa-unlock thiếu hoặc sai portal hay agency.", "The tag mokhoa-unlock lacks portal or agency, or one of them is wrong."],
    ["Ghi portal là địa chỉ https của trang mở khóa, agency là mã được cấp.", "Give the https origin of the unlock page as portal, and the id you were given as agency."],
  ],
  embed_silent: [
    ["Trang mở khóa không hiện được ở đây.", "The unlock page cannot be shown here."],
    ["Mở khóa trên trang của nhà cung cấp. Quản trị trang này: kiểm tra địa chỉ đã đăng ký với nhà cung cấp và dòng frame-src.", "Unlock on the authority's own page. Who runs this site: check the address that is registered with the authority, and frame-src."],
  ],
  embed_version: [
    ["Trang mở khóa dùng phiên bản khác với thẻ trên trang này.", "The unlock page speaks another version than the tag on this page."],
    ["Tải lại trang; nếu vẫn lỗi, quản trị trang này cần cập nhật thẻ mokhoa-unlock.", "Reload the page; if it persists, who runs this site updates the tag mokhoa-unlock."],
  ],
};

const two = ([vi, en]) => ({ vi, en });
const isText = (value, most) => typeof value === "string" && value.length >= 1 && value.length <= most;
const isWord = (value) => isText(value, 40) && /^[a-z][a-z0-9_]*$/.test(value);

/* https://host[:port] and nothing behind it; http only on this very machine, where tests are. */
function readOrigin(text) {
  try {
    const url = new URL(text);
    const safe = url.protocol === "https:" || (url.protocol === "http:" && url.hostname === "localhost");
    return safe && url.origin === text.replace(/\/$/, "") ? url.origin : null;
  } catch {
    return null;
  }
}

/* What the frame may say: each type with what is kept of it; null where it is not what it should be. */
const taken = {
  ready: () => ({}),
  size: ({ height }) => (Number.isInteger(height) && height >= 0 ? { height: Math.min(Math.max(height, HEIGHT.least), HEIGHT.most) } : null),
  state: ({ state }) => (isWord(state) ? { state } : null),
  done: ({ result }) => (RESULTS.includes(result) ? { result } : null),
  error: ({ name, remedy }) => (isWord(name) && isText(remedy?.vi, 400) && isText(remedy?.en, 400) ? { name, remedy: { vi: remedy.vi, en: remedy.en } } : null),
};

export class MokhoaUnlock extends (globalThis.HTMLElement ?? class {}) {
  static observedAttributes = ["portal", "agency", "lang", ...THEME];

  #place;
  #frame = null;
  #origin = null;
  #state = null;
  #isReady = false;
  #timer = null;
  #hear = (event) => this.#heard(event);

  constructor() {
    super();
    this.#place = this.attachShadow({ mode: "open", delegatesFocus: true });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(":host { display: block } iframe { display: block; width: 100%; border: 0 } [hidden] { display: none }");
    this.#place.adoptedStyleSheets = [sheet];
  }

  /** The last state that was heard, or null. */
  get state() {
    return this.#state;
  }

  connectedCallback() {
    window.addEventListener("message", this.#hear);
    this.#open();
  }

  disconnectedCallback() {
    window.removeEventListener("message", this.#hear);
    this.#shut();
  }

  attributeChangedCallback(name, before, now) {
    if (!this.isConnected || before === now) return;
    if (name === "portal" || name === "agency") this.#open();
    else this.#say();
  }

  get #language() {
    const asked = this.lang || document.documentElement.lang;
    return asked.toLowerCase().split("-")[0] === "en" ? "en" : "vi";
  }

  #shut() {
    clearTimeout(this.#timer);
    this.#frame = this.#origin = this.#state = null;
    this.#isReady = false;
    this.#place.replaceChildren();
  }

  #open() {
    this.#shut();
    const origin = readOrigin(this.getAttribute("portal") ?? "");
    const agency = this.getAttribute("agency") ?? "";
    if (origin === null || !/^[a-z0-9][a-z0-9-]{0,31}$/.test(agency)) return this.#failed("embed_attribute");
    const frame = document.createElement("iframe");
    frame.allow = ALLOW;
    frame.title = texts.title[this.#language];
    frame.height = String(HEIGHT.first);
    frame.referrerPolicy = "origin"; /* with no-referrer Firefox does not tell the frame who is above it */
    frame.src = `${origin}/embed/${agency}`;
    this.#frame = frame;
    this.#origin = origin;
    this.#place.append(frame);
    this.#timer = setTimeout(() => this.#failed("embed_silent"), SECONDS * 1000);
  }

  /* Opens the frame, and again whenever language or theme change: it shows nothing to a page that has not said this. */
  #say() {
    if (!this.#isReady) return;
    const theme = {};
    for (const name of THEME) if (this.hasAttribute(name)) theme[name] = this.getAttribute(name);
    this.#frame.title = texts.title[this.#language];
    this.#frame.contentWindow.postMessage({ mokhoa: EMBED_VERSION, type: "open", lang: this.#language, theme }, this.#origin);
  }

  #heard({ source, origin, data }) {
    if (this.#frame === null || source !== this.#frame.contentWindow || origin !== this.#origin) return;
    if (data === null || typeof data !== "object" || !Number.isInteger(data.mokhoa)) return;
    if (data.mokhoa !== EMBED_VERSION) return this.#failed("embed_version");
    const got = Object.hasOwn(taken, data.type) ? taken[data.type](data) : null;
    if (got === null) return;
    if (data.type === "ready") this.#ready();
    else if (data.type === "size") this.#frame.height = String(got.height);
    else this.#tell(data.type, got);
  }

  #ready() {
    clearTimeout(this.#timer);
    this.#isReady = true;
    for (const said of this.#place.querySelectorAll("p")) said.remove();
    this.#frame.hidden = false;
    this.#say();
  }

  #tell(type, detail) {
    if (type === "state") this.#state = detail.state;
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /* What the frame cannot say itself; the customer is led to the portal's own page, which needs no frame. */
  #failed(name) {
    clearTimeout(this.#timer);
    const [said, remedy] = causes[name].map(two);
    const place = document.createElement("p");
    place.setAttribute("role", "alert");
    place.append(`${said[this.#language]} ${remedy[this.#language]} `);
    if (this.#origin !== null) {
      const link = document.createElement("a");
      link.href = `${this.#origin}/`;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      link.textContent = texts.elsewhere[this.#language];
      place.append(link);
      this.#frame.hidden = true;
    }
    for (const before of this.#place.querySelectorAll("p")) before.remove();
    this.#place.append(place);
    this.#tell("error", { name, remedy });
  }
}

globalThis.customElements?.get("mokhoa-unlock") ?? globalThis.customElements?.define("mokhoa-unlock", MokhoaUnlock);
