//! Authorities and certificates of a test, and the mounted files that they stand in.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use time::OffsetDateTime;

use crate::id;

/// An authority.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its own certificate, in PEM.
    pub pem: String,
}

/// A certificate with its key, in PEM.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The certificate.
    pub certificate: String,
    /// The key.
    pub key: String,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new() -> anyhow::Result<Self> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem,
        })
    }

    /// A certificate for this machine, for either side.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn sign(&self) -> anyhow::Result<Signed> {
        self.sign_until(None)
    }

    /// The same, valid until a moment; for long without one.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn sign_until(&self, end: Option<OffsetDateTime>) -> anyhow::Result<Signed> {
        self.sign_for(&["localhost", "127.0.0.1"].map(str::to_owned), end)
    }

    /// The same for others: names and addresses.
    ///
    /// # Errors
    /// When one is neither, or no key can be made.
    pub fn sign_for(
        &self,
        names: &[String],
        end: Option<OffsetDateTime>,
    ) -> anyhow::Result<Signed> {
        let mut params = CertificateParams::new(names.to_vec())?;
        if let Some(end) = end {
            params.not_after = end;
        }
        let key = KeyPair::generate()?;
        Ok(Signed {
            certificate: params.signed_by(&key, &self.issuer)?.pem(),
            key: key.serialize_pem(),
        })
    }
}

/// A folder as the kubelet mounts a secret: its files lead over the link `..data` into a folder, and
/// an exchange turns the link.
#[derive(Debug)]
pub struct Mount {
    folder: PathBuf,
}

impl Mount {
    /// A folder with these files, by name and content.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(files: &[(&str, &str)]) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("handslag-mount-{}", id::new()));
        std::fs::create_dir(&folder)?;
        let mount = Self { folder };
        for (name, _) in files {
            std::os::unix::fs::symlink(Path::new("..data").join(name), mount.path(name))?;
        }
        mount.exchange(files)?;
        Ok(mount)
    }

    /// Where a file stands.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Exchanges all files at once.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn exchange(&self, files: &[(&str, &str)]) -> anyhow::Result<()> {
        let version = format!("..{}", id::new());
        std::fs::create_dir(self.folder.join(&version))?;
        for (name, content) in files {
            std::fs::write(self.folder.join(&version).join(name), content)?;
        }
        let new = self.folder.join("..data_tmp");
        std::os::unix::fs::symlink(&version, &new)?;
        std::fs::rename(new, self.folder.join("..data"))?;
        Ok(())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _left = std::fs::remove_dir_all(&self.folder);
    }
}
