//! Finding the generations before the one to learn from.

use std::path::PathBuf;

use heirloom_codec::model::ModelFile;
use heirloom_store::{Store, StoredModel};

use crate::error::{Result, TrainError};

/// The generations before `parent`, newest first, from the files `named` and the store.
///
/// # Errors
/// A named model that is no ancestor; a missing generation, unless `without_missing` is set: then
/// it is logged.
pub fn ancestors(parent: &ModelFile, named: &[PathBuf], store: Store, without_missing: bool) -> Result<Vec<ModelFile>> {
    let lineage = &parent.metadata.lineage;
    let mut models = named.iter().map(|path| Ok(StoredModel::open(path)?)).collect::<Result<Vec<_>>>()?;
    for model in &models {
        let own = model.lineage();
        if own.entropy_id != lineage.entropy_id || own.generation >= lineage.generation {
            return Err(TrainError::Model(format!(
                "{} of the lineage {:.16}… is no ancestor of generation {} of the lineage {:.16}…",
                model.generation(),
                own.entropy_id.to_string(),
                lineage.generation,
                lineage.entropy_id.to_string()
            )));
        }
    }
    models.extend(store.models.into_iter().filter(|model| model.lineage().entropy_id == lineage.entropy_id));
    let (mut found, missing) = heirloom_store::ancestors(lineage, &models);
    if let Some(id) = missing {
        let number = found.last().map_or(lineage, |oldest| oldest.lineage()).generation.saturating_sub(1);
        let what = format!("generation {number} ({id}), which also wrote old files, is missing");
        if !without_missing {
            return Err(TrainError::Model(format!(
                "{what}; give it with --ancestor FILE, add it to the store with 'heirloom models add FILE', or use \
                 --without-missing to replay no files of it and of the generations before it"
            )));
        }
        log::warn!("{what}; its files and those of the generations before it are not replayed, or only by stand-ins");
    }
    // Named generations beyond a gap still tell how files of their time were coded.
    let in_chain =
        |model: &StoredModel| found.iter().any(|own| own.lineage().generation_id == model.lineage().generation_id);
    let mut beyond: Vec<&StoredModel> = models[..named.len()].iter().filter(|model| !in_chain(model)).collect();
    beyond.sort_by_key(|model| std::cmp::Reverse(model.lineage().generation));
    found.extend(beyond);
    found.into_iter().map(|model| Ok(model.load()?)).collect()
}
