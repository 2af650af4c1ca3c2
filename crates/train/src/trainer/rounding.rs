//! Weights as a model file holds them.

use heirloom_codec::model::round_weights;
use rayon::prelude::*;

use crate::model::parameters::Layout;

/// The weights of all products that `learns` names, rounded as an export rounds them, and all other
/// parameters as they are. Layer scales belong to columns, which have steps of their own, so that
/// it does not matter that an export multiplies by them first.
pub fn rounded(layout: &Layout, values: &[f32], learns: impl Fn(&str) -> bool) -> Vec<f32> {
    let mut all = values.to_vec();
    let (mut rest, mut products) = (all.as_mut_slice(), Vec::new());
    for entry in layout.entries() {
        let (part, after) = rest.split_at_mut(entry.len);
        rest = after;
        if let [_, columns] = *entry.shape
            && entry.name.ends_with(".weight")
            && learns(&entry.name)
        {
            products.push((part, columns));
        }
    }
    products.into_par_iter().for_each(|(weight, columns)| round_weights(weight, columns));
    all
}

#[cfg(test)]
mod tests {
    use heirloom_codec::model::{QuantisedWeights, Ranges, Spec};

    use super::*;
    use crate::trainer::{Config, export, network_config::NetworkConfig, start};

    #[test]
    fn an_export_loses_nothing_of_rounded_weights() {
        let spec = Spec::tiny();
        let layout = Layout::new(&spec);
        let config = Config { network: NetworkConfig::Full(Box::new(spec.clone())), ..Config::default() };
        let values = start::initial(&config).unwrap();
        let ranges = Ranges::uniform(&spec, 8.0);
        let worst = |values: &[f32]| {
            let floats = export::weights(&layout, values);
            let file = QuantisedWeights::from_floats(&spec, &floats, &ranges).unwrap();
            file.losses(&spec, &floats).unwrap()[0].weight_error
        };
        let all = rounded(&layout, &values, |_| true);
        assert!(worst(&values) > 1e-3 && worst(&all) < 1e-6, "{} and {}", worst(&values), worst(&all));
        let encoder = rounded(&layout, &values, |name| name.starts_with("encoder."));
        for entry in layout.entries() {
            let range = entry.offset..entry.offset + entry.len;
            let expected = if entry.name.starts_with("encoder.") { &all } else { &values };
            assert!(encoder[range.clone()] == expected[range], "{}", entry.name);
        }
    }
}
