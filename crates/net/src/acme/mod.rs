//! A certificate from an authority by ACME (RFC 8555), proved over HTTP (http-01).
//!
//! One order at a time; nothing is written here and nothing is remembered but the account, which the
//! caller keeps. Limits: [`ORDER_LIMIT`] for an order, [`ANSWER_LIMIT`] and [`MAX_ANSWER`] for each answer
//! of the authority. Not handled: dns-01 and tls-alpn-01, so no names with a `*`; external accounts.

mod answers;

pub use answers::{Answers, serve};

use std::fmt;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, BodyWrapper, BytesResponse, ChallengeType, Error, HttpClient,
    Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use tokio::time::timeout;

use crate::https::Https;
use crate::tls::TlsError;

/// How long an order may take.
pub const ORDER_LIMIT: Duration = Duration::from_secs(300);
/// How long one answer of the authority may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// How long the authority may take to look at our answers, and to issue.
const PATIENCE: Duration = Duration::from_secs(120);
/// Largest answer of an authority, in bytes.
const MAX_ANSWER: usize = 1 << 20;
/// What an authority says of an account that it does not know (RFC 8555 section 6.7).
const NO_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// Why there is no certificate.
#[derive(Debug)]
pub enum AcmeError {
    /// TLS towards the authority cannot be set up.
    Tls(TlsError),
    /// The authority does not know our account: the next attempt must make a new one.
    NoAccount(String),
    /// The authority says no, or does not answer.
    Authority(String),
    /// It offers no way to prove a name over HTTP.
    NoWay(String),
    /// The order came to nothing: the authority did not find what it wanted, most often.
    Refused(String),
    /// It took longer than [`ORDER_LIMIT`].
    Timeout,
}

impl fmt::Display for AcmeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tls(error) => write!(f, "{error}"),
            Self::NoAccount(why) => write!(f, "the authority does not know our account: {why}"),
            Self::Authority(why) => write!(f, "the authority: {why}"),
            Self::NoWay(name) => write!(f, "the authority offers no http-01 for {name}"),
            Self::Refused(why) => write!(f, "the order came to nothing: {why}"),
            Self::Timeout => write!(f, "the order took longer than {} s", ORDER_LIMIT.as_secs()),
        }
    }
}

impl std::error::Error for AcmeError {}

impl From<Error> for AcmeError {
    fn from(error: Error) -> Self {
        match &error {
            Error::Api(problem) if problem.r#type.as_deref() == Some(NO_ACCOUNT) => Self::NoAccount(error.to_string()),
            _ => Self::Authority(error.to_string()),
        }
    }
}

/// The authority, and whose account is used there.
#[derive(Clone, Debug)]
pub struct Authority {
    https: Https,
    directory: String,
    contact: Option<String>,
}

/// What an authority gave.
pub struct Issued {
    /// The certificate and its issuers, PEM.
    pub chain: String,
    /// The private key, PEM.
    pub key: String,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issued(..)")
    }
}

impl Authority {
    /// The authority whose directory is at this `https:` address; `ca_file` holds the issuers of its own
    /// certificate, if they are not the system's. `contact` is a mail address.
    ///
    /// # Errors
    /// The file of issuers cannot be used, or the system has none.
    pub fn new(directory: &str, contact: Option<&str>, ca_file: Option<&Path>) -> Result<Self, AcmeError> {
        let https = Https::new(ca_file, ANSWER_LIMIT, MAX_ANSWER).map_err(AcmeError::Tls)?;
        let contact = contact.map(|address| format!("mailto:{address}"));
        Ok(Self { https, directory: directory.to_owned(), contact })
    }

    /// Makes an account; the text is what [`Authority::order`] wants, and holds its private key. The terms
    /// of the authority count as agreed to.
    ///
    /// # Errors
    /// The authority does not want one.
    pub async fn account(&self) -> Result<String, AcmeError> {
        let contact: Vec<&str> = self.contact.iter().map(String::as_str).collect();
        let new = NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let made = Account::builder_with_http(self.client()).create(&new, self.directory.clone(), None);
        let (_, credentials) = timeout(PATIENCE, made).await.map_err(|_| AcmeError::Timeout)??;
        serde_json::to_string(&credentials).map_err(|e| AcmeError::Authority(e.to_string()))
    }

    /// Orders a certificate for these names with a new key. While the authority looks, it finds what it
    /// wants in `answers`.
    ///
    /// # Errors
    /// There is no certificate; nothing has changed.
    pub async fn order(&self, account: &str, names: &[String], answers: &Answers) -> Result<Issued, AcmeError> {
        timeout(ORDER_LIMIT, self.ordered(account, names, answers)).await.map_err(|_| AcmeError::Timeout)?
    }

    async fn ordered(&self, account: &str, names: &[String], answers: &Answers) -> Result<Issued, AcmeError> {
        let credentials: AccountCredentials = serde_json::from_str(account)
            .map_err(|e| AcmeError::NoAccount(format!("the account's file cannot be read: {e}")))?;
        let account = Account::builder_with_http(self.client()).from_credentials(credentials).await?;
        let identifiers: Vec<Identifier> = names.iter().map(|name| Identifier::Dns(name.clone())).collect();
        let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
        let mut posted = answers.posting();
        prove(&mut order, &mut posted).await?;
        let patience = RetryPolicy::new().timeout(PATIENCE);
        match order.poll_ready(&patience).await? {
            OrderStatus::Ready | OrderStatus::Valid => {}
            _ => return Err(refusal(&mut order).await),
        }
        let key = order.finalize().await?;
        let chain = order.poll_certificate(&patience).await?;
        Ok(Issued { chain, key })
    }

    fn client(&self) -> Box<dyn HttpClient> {
        Box::new(Client(self.https.clone()))
    }
}

/// Puts the answer for every name where the authority finds it, and tells it to look.
async fn prove(order: &mut Order, posted: &mut answers::Posted<'_>) -> Result<(), AcmeError> {
    let mut authorizations = order.authorizations();
    while let Some(next) = authorizations.next().await {
        let mut authorization = next?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let name = authorization.identifier().to_string();
        let Some(mut challenge) = authorization.challenge(ChallengeType::Http01) else {
            return Err(AcmeError::NoWay(name));
        };
        posted.post(&challenge.token, challenge.key_authorization().as_str());
        challenge.set_ready().await?;
    }
    Ok(())
}

/// What the authority did not like.
async fn refusal(order: &mut Order) -> AcmeError {
    let mut said: Vec<String> = order.state().error.iter().map(ToString::to_string).collect();
    let mut authorizations = order.authorizations();
    while let Some(Ok(authorization)) = authorizations.next().await {
        said.extend(
            authorization.challenges.iter().filter_map(|challenge| challenge.error.as_ref()).map(ToString::to_string),
        );
    }
    AcmeError::Refused(if said.is_empty() { "the authority does not say why".to_owned() } else { said.join("; ") })
}

/// Our client, as the ACME library wants one.
struct Client(Https);

impl HttpClient for Client {
    fn request(
        &self,
        request: hyper::Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let https = self.0.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let Ok(body) = body.collect().await;
            let body = body.to_bytes();
            let sent = https.send(hyper::Request::from_parts(head, Full::new(body))).await;
            sent.map(BytesResponse::from).map_err(|e| Error::Other(Box::new(e)))
        })
    }
}
