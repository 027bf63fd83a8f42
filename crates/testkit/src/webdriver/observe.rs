//! What the browser saw on the network, from chromedriver's performance log: answers with status and type,
//! WebSocket frames both ways, lines of the page's console. Events pile up from the start of the browser.

use serde_json::{Value, json};

use super::Browser;
use crate::encoding::from_base64;

/// An HTTP answer the browser received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Address it came from.
    pub url: String,
    /// Status code.
    pub status: u64,
    /// Media type.
    pub media_type: String,
    /// Chromium's id of the exchange, for [`Browser::response_body`].
    pub request_id: String,
}

/// A WebSocket frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Address of the WebSocket.
    pub url: String,
    /// Sent by the page, or received by it.
    pub is_sent: bool,
    /// Text of the frame (base64 for binary ones).
    pub payload: String,
}

impl Browser {
    /// Every network event so far, oldest first, as Chromium describes them (`method`, `params`).
    pub fn network_events(&self) -> Vec<Value> {
        let entries = self.log_entries("performance");
        let mut events = self.events.borrow_mut();
        for entry in entries {
            let message = entry.get("message").and_then(Value::as_str).unwrap_or_default();
            let event = serde_json::from_str::<Value>(message).ok();
            events.extend(event.and_then(|event| event.get("message").cloned()));
        }
        events.clone()
    }

    /// Every answer so far.
    pub fn responses(&self) -> Vec<Response> {
        let events = self.network_events();
        let received = events.iter().filter(|event| is_kind(event, "Network.responseReceived"));
        received.map(response).collect()
    }

    /// The addresses of the WebSockets that were opened and answered with 101.
    pub fn websockets(&self) -> Vec<String> {
        let events = self.network_events();
        let answered = events.iter().filter(|event| {
            is_kind(event, "Network.webSocketHandshakeResponseReceived")
                && (event.pointer("/params/response/status") == Some(&json!(101)))
        });
        answered.map(|event| websocket_url(&events, event)).collect()
    }

    /// Every WebSocket frame so far.
    pub fn websocket_frames(&self) -> Vec<Frame> {
        let events = self.network_events();
        let mut frames = Vec::new();
        for event in &events {
            let is_sent = is_kind(event, "Network.webSocketFrameSent");
            if is_sent || is_kind(event, "Network.webSocketFrameReceived") {
                let payload = word(event, "/params/response/payloadData");
                frames.push(Frame { url: websocket_url(&events, event), is_sent, payload });
            }
        }
        frames
    }

    /// The body of an answer, while the browser still has it.
    pub fn response_body(&self, response: &Response) -> Option<String> {
        let ask = json!({"cmd": "Network.getResponseBody", "params": {"requestId": response.request_id}});
        let told = self.try_command("POST", "/goog/cdp/execute", &ask).ok()?;
        let body = told.get("body").and_then(Value::as_str)?;
        if told.get("base64Encoded") == Some(&json!(true)) {
            return Some(String::from_utf8_lossy(&from_base64(body)?).into_owned());
        }
        Some(body.to_owned())
    }

    /// Lines of the page's console at level SEVERE since the last call: script errors, refused by policy, failed loads.
    pub fn console_errors(&self) -> Vec<String> {
        let entries = self.log_entries("browser");
        let severe = entries.iter().filter(|entry| entry.get("level") == Some(&json!("SEVERE")));
        severe.map(|entry| word(entry, "/message")).collect()
    }

    fn log_entries(&self, kind: &str) -> Vec<Value> {
        let told = self.try_command("POST", "/se/log", &json!({ "type": kind }));
        let told = told.unwrap_or_else(|refusal| panic!("no {kind} log: {refusal:?}"));
        told.as_array().cloned().unwrap_or_default()
    }
}

fn is_kind(event: &Value, method: &str) -> bool {
    event.get("method").and_then(Value::as_str) == Some(method)
}

fn word(event: &Value, pointer: &str) -> String {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn response(event: &Value) -> Response {
    Response {
        url: word(event, "/params/response/url"),
        status: event.pointer("/params/response/status").and_then(Value::as_u64).unwrap_or(0),
        media_type: word(event, "/params/response/mimeType"),
        request_id: word(event, "/params/requestId"),
    }
}

fn websocket_url(events: &[Value], event: &Value) -> String {
    let id = event.pointer("/params/requestId");
    let made = events
        .iter()
        .find(|known| is_kind(known, "Network.webSocketCreated") && (known.pointer("/params/requestId") == id));
    made.map(|made| word(made, "/params/url")).unwrap_or_default()
}
