//! Each method's rule, read from the option beside it in the proto.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use handslag_proto::RequestFields;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, ReflectMessage as _};

use crate::auth::{Principal, Role};
use crate::error::{ErrorCode, Fault};

/// The option of `handslag/common/v1/access.proto`.
const OPTION: &str = "handslag.common.v1.access";

/// An attribute of the caller that a request's field is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The party.
    Party,
    /// The board.
    Board,
    /// The district board.
    District,
    /// The organisation.
    Organisation,
}

impl Claim {
    fn parse(text: &str) -> anyhow::Result<Self> {
        match text {
            "party" => Ok(Self::Party),
            "board" => Ok(Self::Board),
            "district" => Ok(Self::District),
            "organisation" => Ok(Self::Organisation),
            other => anyhow::bail!("{other:?} is no claim that a grant can compare with"),
        }
    }

    fn of(self, principal: &Principal) -> Option<&str> {
        match self {
            Self::Party => principal.party.as_deref(),
            Self::Board => principal.board.as_deref(),
            Self::District => principal.district.as_deref(),
            Self::Organisation => principal.organisation.as_deref(),
        }
    }
}

/// A right to call a method for what is one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnGrant {
    claim: Claim,
    field: Arc<str>,
}

impl OwnGrant {
    /// Whether the request's field names what the caller's claim names. The field holds a resource
    /// name or a bare code; its last segment counts. A missing claim or field fits nothing.
    pub fn fits(&self, principal: &Principal, request: &impl RequestFields) -> bool {
        let Some(own) = self.claim.of(principal).filter(|own| !own.is_empty()) else {
            return false;
        };
        request
            .text_field(&self.field)
            .and_then(|name| name.rsplit('/').next())
            .is_some_and(|segment| segment == own)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Grant {
    role: Role,
    own: Option<OwnGrant>,
}

/// Who may call a method.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    public: bool,
    grants: Vec<Grant>,
}

impl Rule {
    /// Decides as far as the request's fields are not needed: allowed as such (nothing in the
    /// answer), or allowed if one of the answered grants fits the request.
    ///
    /// # Errors
    /// `TOKEN_MISSING` or `ROLE_NOT_ALLOWED`.
    pub fn admit(
        &self,
        principal: &Principal,
        public_reads: bool,
    ) -> Result<Vec<OwnGrant>, Box<Fault>> {
        if self.public && (public_reads || !principal.roles.is_empty()) {
            return Ok(Vec::new());
        }
        if principal.is_anonymous() {
            return Err(Box::new(token_missing()));
        }
        let mut own = Vec::new();
        for grant in self.grants.iter().filter(|grant| principal.has(grant.role)) {
            match &grant.own {
                None => return Ok(Vec::new()),
                Some(condition) => own.push(condition.clone()),
            }
        }
        if own.is_empty() {
            return Err(Box::new(Fault::new(
                ErrorCode::PermissionDenied,
                "ROLE_NOT_ALLOWED",
                "none of your roles may call this method",
                "Du har inte behörighet till detta.",
            )));
        }
        Ok(own)
    }
}

/// The rules of all methods, by full path.
#[derive(Clone, Debug)]
pub struct Rules(Arc<HashMap<String, (&'static str, Rule)>>);

impl Rules {
    /// Reads the rules of every service in the pool.
    ///
    /// # Errors
    /// When a rule names a role, a claim or a field that does not exist.
    pub fn read(pool: &DescriptorPool) -> anyhow::Result<Self> {
        let mut rules = HashMap::new();
        for service in pool.services() {
            for method in service.methods() {
                let path = format!("/{}/{}", service.full_name(), method.name());
                let rule = rule_of(pool, &method)
                    .with_context(|| format!("the rule of {path} cannot be read"))?;
                // A process reads the rules a few times at most and keeps the names for its life;
                // see `Call::method`.
                let name: &'static str = String::leak(path.clone());
                rules.insert(path, (name, rule));
            }
        }
        Ok(Self(Arc::new(rules)))
    }

    /// The method's path as a name for metrics and logs, and its rule; `None` for a method that
    /// does not exist.
    #[must_use]
    pub fn of(&self, path: &str) -> Option<(&'static str, &Rule)> {
        self.0.get(path).map(|(name, rule)| (*name, rule))
    }

    /// Every method with its rule.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Rule)> {
        self.0.values().map(|(name, rule)| (*name, rule))
    }
}

fn rule_of(pool: &DescriptorPool, method: &MethodDescriptor) -> anyhow::Result<Rule> {
    let extension = pool
        .get_extension_by_name(OPTION)
        .with_context(|| format!("the descriptor pool has no option {OPTION}"))?;
    let options = method.options();
    if !options.has_extension(&extension) {
        // No rule: nobody may.
        return Ok(Rule::default());
    }
    let value = options.get_extension(&extension);
    let access = value.as_message().context("the option is no message")?;
    let public = access
        .get_field_by_name("public")
        .and_then(|value| value.as_bool());
    let grants = access
        .get_field_by_name("grants")
        .context("the option has no grants")?;
    let grants = grants
        .as_list()
        .context("the grants are no list")?
        .iter()
        .map(|grant| grant_of(grant.as_message().context("a grant is no message")?, method))
        .collect::<anyhow::Result<Vec<Grant>>>()?;
    Ok(Rule {
        public: public.unwrap_or(false),
        grants,
    })
}

fn grant_of(grant: &DynamicMessage, method: &MethodDescriptor) -> anyhow::Result<Grant> {
    let text = |name: &str| {
        grant
            .get_field_by_name(name)
            .and_then(|value| value.as_str().map(str::to_owned))
            .with_context(|| format!("{} has no field {name}", grant.descriptor().full_name()))
    };
    let role: Role = text("role")?.parse()?;
    let own = text("own")?;
    if own.is_empty() {
        return Ok(Grant { role, own: None });
    }
    let claim = Claim::parse(&own)?;
    let field = text("field")?;
    let field = if field.is_empty() { own } else { field };
    ensure!(
        method.input().get_field_by_name(&field).is_some(),
        "{} has no field {field}",
        method.input().full_name()
    );
    Ok(Grant {
        role,
        own: Some(OwnGrant {
            claim,
            field: field.into(),
        }),
    })
}

/// Who calls is unknown, and has to be known.
pub(crate) fn token_missing() -> Fault {
    Fault::new(
        ErrorCode::Unauthenticated,
        "TOKEN_MISSING",
        "this method needs a token: send `authorization: Bearer …`",
        "Du måste logga in.",
    )
}
