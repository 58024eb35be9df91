//! Logins of one test: a role of PostgreSQL without any right, a user of one virtual host.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::address::{Address, percent_encode};
use crate::files::random_hex;
use crate::servers::{Servers, fresh_name, identifier, is_old, literal};

/// Who logs in. It has no `Debug`, since it holds a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password; an empty one is left out of URLs.
    pub password: String,
}

impl Login {
    /// The same URL with this login in it.
    ///
    /// # Errors
    ///
    /// When it is no URL of a server.
    pub fn within(&self, url: &str) -> Result<String> {
        let (scheme, rest) = url.split_once("://").context("not a URL")?;
        let port = if scheme.starts_with("amqp") {
            5672
        } else {
            5432
        };
        let mut address = Address::parse(url, &[scheme], port)?;
        address.user.clone_from(&self.user);
        address.password.clone_from(&self.password);
        let path = rest.find('/').map_or("", |at| &rest[at..]);
        Ok(format!("{scheme}://{}{path}", address.authority()))
    }

    /// The same login with another password.
    ///
    /// # Errors
    ///
    /// When there is no chance to be had.
    pub fn changed(&self) -> Result<Self> {
        Ok(Self {
            user: self.user.clone(),
            password: random_hex(16)?,
        })
    }
}

impl Servers {
    /// Makes a role for one test that may log in, and nothing more.
    ///
    /// # Errors
    ///
    /// When PostgreSQL does not answer or refuses.
    pub fn fresh_role(&self, name: &str) -> Result<Login> {
        let login = fresh(name)?;
        let create = format!(
            "CREATE ROLE {} LOGIN PASSWORD {}",
            identifier(&login.user),
            literal(&login.password)
        );
        self.sql("postgres", &create)?;
        Ok(login)
    }

    /// Gives a role another password.
    ///
    /// # Errors
    ///
    /// When PostgreSQL does not answer or refuses.
    pub fn set_role_password(&self, login: &Login) -> Result<()> {
        let alter = format!(
            "ALTER ROLE {} PASSWORD {}",
            identifier(&login.user),
            literal(&login.password)
        );
        self.sql("postgres", &alter).map(drop)
    }

    /// Ends every session of a role.
    ///
    /// # Errors
    ///
    /// When PostgreSQL does not answer or refuses.
    pub fn end_sessions_of(&self, login: &Login) -> Result<()> {
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = {}",
            literal(&login.user)
        );
        self.sql("postgres", &end).map(drop)
    }

    /// Makes a user of the broker for one test, who may do everything in the URL's virtual host.
    ///
    /// # Errors
    ///
    /// When the broker does not answer or refuses.
    pub fn fresh_user(&self, amqp_url: &str) -> Result<Login> {
        let login = fresh("user")?;
        self.set_user_password(&login)?;
        let vhost = percent_encode(self.vhost_of(amqp_url)?.name());
        let path = format!("/api/permissions/{vhost}/{}", percent_encode(&login.user));
        let everything = json!({"configure": ".*", "write": ".*", "read": ".*"});
        self.management.request("PUT", &path, Some(everything))?;
        Ok(login)
    }

    /// Gives a user of the broker another password, or makes him.
    ///
    /// # Errors
    ///
    /// When the broker does not answer or refuses.
    pub fn set_user_password(&self, login: &Login) -> Result<()> {
        let path = format!("/api/users/{}", percent_encode(&login.user));
        let user = json!({"password": login.password, "tags": ""});
        self.management.request("PUT", &path, Some(user)).map(drop)
    }

    /// Removes logins that tests left behind long ago; their databases and virtual hosts are gone.
    pub(crate) fn drop_old_logins(&self, now: u64) {
        let list = "SELECT rolname FROM pg_roles WHERE rolname LIKE 't\\_%'";
        for name in self.sql("postgres", list).unwrap_or_default().lines() {
            if is_old(name, now) {
                let drop = format!("DROP ROLE IF EXISTS {}", identifier(name));
                let _ = self.sql("postgres", &drop);
            }
        }
        let users = self
            .management
            .request("GET", "/api/users?columns=name", None)
            .unwrap_or_default();
        for user in users.as_array().into_iter().flatten() {
            let name = user.get("name").and_then(Value::as_str).unwrap_or_default();
            if is_old(name, now) {
                let path = format!("/api/users/{}", percent_encode(name));
                let _ = self.management.request("DELETE", &path, None);
            }
        }
    }
}

fn fresh(name: &str) -> Result<Login> {
    Ok(Login {
        user: fresh_name(name)?,
        password: random_hex(16)?,
    })
}

#[cfg(test)]
mod tests {
    use super::Login;

    #[test]
    fn a_login_takes_the_place_of_the_one_in_a_url() {
        let login = |password: &str| Login {
            user: "t one".to_owned(),
            password: password.to_owned(),
        };
        let url = "postgres://boss:secret@host:5433/town?sslmode=disable";
        assert_eq!(
            login("p/w").within(url).unwrap(),
            "postgres://t%20one:p%2Fw@host:5433/town?sslmode=disable"
        );
        assert_eq!(
            login("").within("amqp://boss:secret@host/town").unwrap(),
            "amqp://t%20one@host:5672/town"
        );
        assert!(login("").within("nowhere").is_err());
    }
}
