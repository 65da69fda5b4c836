//! The HTTP endpoints for machines: `GET /healthz` and `GET /metrics`. Everything else is answered
//! with problem details (RFC 9457).
//!
//! No answer holds a secret, an address or anything that a sender wrote. One request a connection;
//! the limits of connections are in `limited.rs`. No authentication and no TLS: the listener belongs
//! on the loopback interface or a network for administration.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;
use service::Service;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::health::{self, Health};
use crate::limited::Limited;

/// Largest body of a request, in bytes; nothing that is served here takes one.
const MAX_BODY: usize = 8 * 1024;
/// How long requests may take to end after the stop.
const STOP_WAIT: Duration = Duration::from_secs(1);
/// The media type of the figures.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What went wrong, for programs (RFC 9457).
#[derive(Serialize)]
struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'static str,
}

fn problem(status: StatusCode, detail: &'static str) -> Response {
    let title = status.canonical_reason().unwrap_or("Error");
    let problem = Problem { r#type: "about:blank", title, status: status.as_u16(), detail };
    (status, json("application/problem+json", &problem)).into_response()
}

fn json(media_type: &'static str, value: &impl Serialize) -> Response {
    // Our own values can be written as JSON; an empty body would show a mistake of ours.
    let body = serde_json::to_string(value).unwrap_or_default();
    ([(CONTENT_TYPE, media_type)], body).into_response()
}

/// The endpoints of a service.
pub fn router(service: Arc<Service>) -> Router {
    let health = Arc::new(Health::new(Arc::clone(&service)));
    Router::new()
        .route("/healthz", get(healthz).with_state(health))
        .route("/metrics", get(metrics).with_state(service))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(from_fn(frame))
}

/// 200 as long as mail is looked at, 503 when it is not.
async fn healthz(State(health): State<Arc<Health>>) -> Response {
    let report = health.report().await;
    let status = match report.status {
        health::State::Failing => StatusCode::SERVICE_UNAVAILABLE,
        health::State::Ok | health::State::Degraded => StatusCode::OK,
    };
    (status, json("application/json", &report)).into_response()
}

async fn metrics(State(service): State<Arc<Service>>) -> Response {
    ([(CONTENT_TYPE, OPENMETRICS)], service.metrics().text()).into_response()
}

async fn not_found() -> Response {
    problem(StatusCode::NOT_FOUND, "There is nothing here. GET /healthz and GET /metrics are served.")
}

async fn not_allowed() -> Response {
    let allow = (ALLOW, HeaderValue::from_static("GET,HEAD"));
    ([allow], problem(StatusCode::METHOD_NOT_ALLOWED, "Only GET and HEAD are served here.")).into_response()
}

/// What every request and answer has in common. A body is read away, so that closing the connection
/// does not take the answer with it.
async fn frame(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let mut response = match to_bytes(body, MAX_BODY).await {
        Ok(_) => next.run(Request::from_parts(head, Body::empty())).await,
        Err(_) => problem(StatusCode::PAYLOAD_TOO_LARGE, "No request here needs a body."),
    };
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Serves the endpoints until `stop` becomes true or its sender is gone.
pub async fn serve(listener: TcpListener, service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    let mut end = stop.clone();
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    let late = async move {
        let _ = end.wait_for(|stop| *stop).await;
        tokio::time::sleep(STOP_WAIT).await;
    };
    let serving = axum::serve(Limited::new(listener), router(service)).with_graceful_shutdown(stopped);
    tokio::select! {
        result = serving => if let Err(error) = result {
            tracing::error!(%error, "the HTTP endpoints ended");
        },
        () = late => {}
    }
}
