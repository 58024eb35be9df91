//! From the version before to this one, back, and forth again, under load.

use anyhow::Result;
use futures_util::FutureExt as _;

use super::{Row, Said, Stage};
use crate::cluster::install::RELEASE;

pub(super) fn rows() -> Vec<Row> {
    vec![Row {
        name: "upgrade",
        what: "upgrade from the version before, rollback, upgrade, under load",
        aim: "the same",
        run: |stage| upgrade(stage).boxed(),
    }]
}

async fn upgrade(stage: &mut Stage) -> Result<Said> {
    let installer = stage.installer.clone();
    let Some(before) = installer.options.previous_tag.clone() else {
        return Ok(Said::LeftOut(
            "--previous-tag says which images are the version before".to_owned(),
        ));
    };
    let chart = installer.options.previous_chart.clone();
    // What ran before this row is this version: the schema stays, and the version before runs on it.
    stage.session().await?;
    installer.release(chart.as_deref(), &before, &[])?;
    installer.ready().await?;
    stage
        .under_load(async {
            installer.release(None, &installer.options.tag, &[])?;
            installer.ready().await?;
            installer.kube.helm(&["rollback", RELEASE])?;
            installer.ready().await?;
            installer.release(None, &installer.options.tag, &[])?;
            installer.ready().await.map(|_| ())
        })
        .await
}
