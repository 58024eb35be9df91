//! Addresses of servers: the part that all our URLs have in common, and its reading and writing.

use anyhow::{Context, Result, bail};

/// Who and where: the common part of all our URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Address {
    /// Reads `scheme://user:password@host:port/…`; what follows the port is left out.
    pub(crate) fn parse(url: &str, schemes: &[&str], default_port: u16) -> Result<Self> {
        let Some((scheme, rest)) = url.split_once("://") else {
            bail!(
                "a URL of the form {}://user:password@host:port is needed",
                schemes[0]
            );
        };
        if !schemes.contains(&scheme) {
            bail!(
                "a URL that begins with {}:// is needed, not {scheme}://",
                schemes[0]
            );
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().context("the port is no number")?),
            None => (place, default_port),
        };
        Ok(Self {
            user: percent_decode(user)?,
            password: percent_decode(password)?,
            host: host.to_owned(),
            port,
        })
    }

    /// `user:password@host:port`, as it stands in a URL.
    pub(crate) fn authority(&self) -> String {
        let Self {
            user,
            password,
            host,
            port,
        } = self;
        match (user.is_empty(), password.is_empty()) {
            (true, _) => format!("{host}:{port}"),
            (false, true) => format!("{}@{host}:{port}", percent_encode(user)),
            (false, false) => {
                let (user, password) = (percent_encode(user), percent_encode(password));
                format!("{user}:{password}@{host}:{port}")
            }
        }
    }
}

/// Encodes a name as one segment of a path.
pub(crate) fn percent_encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// Reads what [`percent_encode`] has written.
pub(crate) fn percent_decode(text: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits: String = rest.by_ref().take(2).map(char::from).collect();
        bytes.push(u8::from_str_radix(&digits, 16).context("a % is not followed by two digits")?);
    }
    String::from_utf8(bytes).context("this part of the URL is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_the_urls_it_writes() {
        let address = Address {
            user: "handslag".to_owned(),
            password: "p@ss:/å".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: 7_000,
        };
        let url = format!("amqp://{}/%2F", address.authority());
        assert_eq!(Address::parse(&url, &["amqp"], 5_672).unwrap(), address);
    }

    #[test]
    fn takes_the_usual_port_when_none_is_given() {
        let address = Address::parse("postgres://me@db/x", &["postgres"], 5_432).unwrap();
        assert_eq!((address.host.as_str(), address.port), ("db", 5_432));
        assert_eq!(address.password, "");
    }

    #[test]
    fn refuses_urls_of_another_kind() {
        assert!(Address::parse("127.0.0.1:5432", &["postgres"], 5_432).is_err());
        assert!(Address::parse("mysql://db", &["postgres"], 5_432).is_err());
        assert!(Address::parse("postgres://db:x/", &["postgres"], 5_432).is_err());
    }

    #[test]
    fn encodes_names_for_a_path() {
        assert_eq!(percent_encode("/"), "%2F");
        assert_eq!(percent_encode("å b"), "%C3%A5%20b");
        assert_eq!(percent_encode("t-1.x_y"), "t-1.x_y");
    }
}
