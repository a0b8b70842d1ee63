// SPDX-License-Identifier: Apache-2.0
// Written by make_types.py from protocol/host.schema.json: change that.

export type HelloParams = Record<string, never>;

export interface HelloResult {
  name: "mokhoa";
  version: string;
  protocol: 1;
  capabilities: Array<Method>;
  transports: Array<"native" | "websocket">;
  languages: Array<Language>;
}

export type TokenInfoParams = Record<string, never>;

export interface TokenInfoResult {
  tokens: Array<Token>;
  failures: Array<Failure>;
  absent?: WireError;
}

export type TokenWatchParams = Record<string, never>;

export type TokenWatchResult = WatchEnd;

export type TokenUnwatchParams = Record<string, never>;

export type TokenUnwatchResult = WatchEnd;

export interface WatchEnd {
  watch: "ended";
}

export interface UnlockRequestParams {
  token: TokenName;
  reason: "locked" | "forgotten";
  language: Language;
}

export type UnlockRequestResult = UnlockRequest;

/** Without request: of this user and this profile all open ones and the newest 16 that ended in the last 7 days, the oldest first. */
export interface UnlockStatusParams {
  request?: RequestId;
}

export interface UnlockStatusResult {
  requests: Array<UnlockRequest>;
}

export type UnlockResendParams = OneRequest;

export type UnlockResendResult = UnlockRequest;

export type UnlockCancelParams = OneRequest;

export type UnlockCancelResult = UnlockRequest;

export type UnlockParams = OneRequest;

export interface UnlockResult {
  request: RequestId;
  state: State;
  rotated: boolean;
  proof: "verified" | "unreported" | "no_key" | "not_built";
}

export type DoctorParams = Record<string, never>;

/** What is not in order comes first, in the order in which it has to be put right. state is the worst of all. */
export interface DoctorResult {
  state: FindingState;
  findings: Array<Finding>;
}

export type FindingState = "ok" | "warning" | "unknown" | "broken";

/** What pages may be told of protocol/finding.def. */
export type FindingId = "module.missing" | "module.unsafe" | "module.architecture" | "module.library" | "module.crashed" | "module.hangs" | "module.failed" | "module.unexamined" | "reader.service" | "reader.none" | "token.none" | "tls_ca.missing" | "clock.off" | "tms.name" | "tms.proxy" | "tms.proxy_login" | "tms.proxy_denied" | "tms.refused" | "tms.timeout" | "tms.cut" | "tms.inspected" | "tms.untrusted" | "tms.mismatch" | "tms.expired" | "tms.not_yet" | "tms.foreign" | "tms.protocol" | "tms.failed" | "tms.unexamined" | "module.ok" | "token.ok" | "clock.ok" | "tms.ok";

/** remedy is left out where nothing is wrong. */
export interface Finding {
  id: FindingId;
  state: FindingState;
  sentence: TwoLanguages;
  remedy?: TwoLanguages;
}

export type TokenChangedParams = Record<string, never>;

export interface UnlockProgressParams {
  request: RequestId;
  stage: Stage;
}

export interface UnlockChangedParams {
  request: RequestId;
  state: State;
}

export type Method = "hello" | "token.info" | "token.watch" | "token.unwatch" | "unlock.request" | "unlock.status" | "unlock.resend" | "unlock.cancel" | "unlock" | "doctor";

export type Language = "vi" | "en";

/** Text that is safe to show: no control character, no line separator, no bidirectional override or isolate. */
export type Text = string;

/** Seconds since 1970, or a span of them. */
export type Seconds = number;

/** 16 bytes, base64url. */
export type RequestId = string;

/** Where a request stands, in the customer's words. */
export type State = "pending" | "approved" | "refused" | "released" | "completed" | "unknown" | "failed" | "expired" | "cancelled" | "locked_out";

export type Stage = "prompting" | "releasing" | "setting_pin" | "proving_pin" | "granting" | "rotating" | "proving_rotation" | "reporting";

export type PinState = "ok" | "few_tries" | "last_try" | "locked" | "unknown";

export type PinLength = number;

/** CK_TOKEN_INFO (PKCS#11 section 3.2), trailing blanks cut. */
export interface TokenName {
  manufacturer: Text;
  model: Text;
  serial: Text;
}

export interface Token {
  manufacturer: Text;
  model: Text;
  serial: Text;
  label: Text;
  module: Text;
  slot: Text;
  pin: PinState;
  so_pin: PinState;
  pin_min: PinLength;
  pin_max: PinLength;
  certificates: Array<Certificate>;
}

export interface Certificate {
  subject: Text;
  issuer: Text;
  serial: string;
  not_before: number;
  not_after: number;
  email: Text;
}

export interface Failure {
  module: Text;
  slot: Text;
  error: WireError;
}

export interface OneRequest {
  request: RequestId;
}

export interface UnlockRequest {
  request: RequestId;
  token: TokenName;
  state: State;
  /** What customer and approver compare. */
  phrase: string;
  expires: Seconds;
  code_expires: Seconds;
  retry_after: Seconds;
  email: Text;
  hotline: Text;
  note: Text;
}

/** code, and message in Vietnamese, for JSON-RPC 2.0; data for people and programs. */
export interface WireError {
  code: number;
  message: Text;
  data: ErrorData;
}

export interface ErrorData {
  name: ErrorName;
  message: TwoLanguages;
  hint: TwoLanguages;
  tries_left?: number;
  retry_after?: Seconds;
  request?: RequestId;
  /** CK_RV of the call that failed. */
  cryptoki?: number;
}

export interface TwoLanguages {
  vi: Text;
  en: Text;
}

/** What each call takes and gives. */
export interface Methods {
  "hello": { params: HelloParams; result: HelloResult };
  "token.info": { params: TokenInfoParams; result: TokenInfoResult };
  "token.watch": { params: TokenWatchParams; result: TokenWatchResult };
  "token.unwatch": { params: TokenUnwatchParams; result: TokenUnwatchResult };
  "unlock.request": { params: UnlockRequestParams; result: UnlockRequestResult };
  "unlock.status": { params: UnlockStatusParams; result: UnlockStatusResult };
  "unlock.resend": { params: UnlockResendParams; result: UnlockResendResult };
  "unlock.cancel": { params: UnlockCancelParams; result: UnlockCancelResult };
  "unlock": { params: UnlockParams; result: UnlockResult };
  "doctor": { params: DoctorParams; result: DoctorResult };
}

/** Errors of host and server, by wire name (base/err.def). */
export type ErrorName =
  | "parse_error"
  | "invalid_request"
  | "method_not_found"
  | "invalid_params"
  | "internal_error"
  | "frame_too_large"
  | "frame_truncated"
  | "origin_refused"
  | "extension_refused"
  | "busy"
  | "timeout"
  | "worker_failed"
  | "no_memory"
  | "no_token"
  | "token_absent"
  | "token_ambiguous"
  | "token_removed"
  | "token_not_locked"
  | "token_unsupported"
  | "token_so_locked"
  | "token_so_last_try"
  | "token_so_refused"
  | "token_busy"
  | "token_failed"
  | "pin_refused"
  | "pin_not_proved"
  | "module_missing"
  | "module_failed"
  | "token_changed"
  | "no_reader"
  | "reader_service"
  | "token_puk_locked"
  | "token_not_yet_locked"
  | "token_in_use"
  | "module_architecture"
  | "request_unknown"
  | "request_not_approved"
  | "request_refused"
  | "request_expired"
  | "request_cancelled"
  | "request_decided"
  | "request_locked_out"
  | "code_wrong"
  | "code_expired"
  | "resend_too_soon"
  | "resend_limit"
  | "request_limit"
  | "request_elsewhere"
  | "signature_refused"
  | "escrow_missing"
  | "escrow_suspect"
  | "state_wrong"
  | "prompt_cancelled"
  | "prompt_failed"
  | "proof_refused"
  | "token_lost"
  | "token_retired"
  | "tms_unreachable"
  | "tms_certificate"
  | "tms_answer"
  | "tms_failed"
  | "profile_missing"
  | "profile_invalid"
  | "profile_unsafe"
  | "journal_failed"
  | "config_invalid"
  | "usage"
  | "ports_taken"
  | "file_missing"
  | "journal_newer"
  | "admin_unknown"
  | "role_refused"
  | "second_approver"
  | "mail_address"
  | "mail_unreachable"
  | "mail_refused"
  | "vault_unreachable"
  | "vault_refused"
  | "vault_limit"
  | "store_failed"
  | "csv_invalid"
  | "sealed_invalid"
  | "phrase_mismatch"
  | "token_imported"
  | "csrf_refused"
  | "agency_unknown"
  | "agency_exists"
  | "notice_unknown"
  | "escrow_log_failed"
  | "token_differs"
  | "key_in_use"
  | "escrow_log_damaged"
  | "data_in_use"
  | "backup_invalid"
  | "backup_newer"
  | "file_exists"
  | "file_failed"
  | "keys_invalid"
  | "keys_mismatch"
  | "hsm_unavailable"
  | "hsm_module_failed"
  | "hsm_token_missing"
  | "hsm_pin_missing"
  | "hsm_pin_refused"
  | "hsm_pin_locked"
  | "hsm_key_missing"
  | "hsm_key_unfit"
  | "token_unknown"
  | "token_life_wrong"
  | "second_person"
  | "proposal_unknown"
  | "proposal_closed"
  | "proposal_open"
  | "proposal_stale"
  | "token_under_way"
  | "agency_domain"
  | "agency_in_use"
  | "server_absent"
  | "check_failed"
  | "vendor_unknown"
  | "backups_off"
  | "database_unsupported"
  | "database_server"
  | "admin_expired"
  | "admin_revoked"
  | "revocation_unknown"
  | "template_invalid"
  | "audit_broken"
  | "audit_anchor_failed"
  | "person_unknown"
  | "certificate_refused"
  | "last_operator"
  | "escrow_log_other"
  | "mail_bounced"
  | "bounce_invalid"
  | "certificate_unknown"
  | "second_approver_kept"
  | "mail_unknown"
  | "type_in_use"
  | "table_unsealed";

/** What the extension says where no host answers (webext/causes.json). */
export type HostError =
  | "host_missing"
  | "host_forbidden"
  | "host_crashed"
  | "host_too_old"
  | "host_blocked";

/** Seconds that the host gives a call. */
export const DEADLINES: Readonly<Record<Method, number>>;

/** States that nothing changes any more. */
export const FINAL: readonly State[];

/** Where mokhoa-websocket may listen on 127.0.0.1, in the order in which to ask. */
export const PORTS: readonly number[];
