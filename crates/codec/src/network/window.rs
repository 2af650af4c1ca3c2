//! Windows of feature maps: of a crop, only the positions that its pixels depend on are computed.

use std::borrow::Cow;

use heirloom_kernels::Map;

/// A rectangle of positions of a feature map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first row.
    pub top: usize,
    /// The first column.
    pub left: usize,
    /// The row after the last.
    pub bottom: usize,
    /// The column after the last.
    pub right: usize,
}

impl Window {
    /// All of a map.
    #[must_use]
    pub fn whole(height: usize, width: usize) -> Self {
        Self { top: 0, left: 0, bottom: height, right: width }
    }

    /// With `by` positions more on each side, as far as the map reaches.
    #[must_use]
    pub fn grown(self, by: usize, map: Self) -> Self {
        Self {
            top: self.top.saturating_sub(by).max(map.top),
            left: self.left.saturating_sub(by).max(map.left),
            bottom: (self.bottom + by).min(map.bottom),
            right: (self.right + by).min(map.right),
        }
    }

    /// The positions that these lie in where the map is `ratio` times smaller.
    #[must_use]
    pub fn coarser(self, ratio: usize) -> Self {
        Self {
            top: self.top / ratio,
            left: self.left / ratio,
            bottom: self.bottom.div_ceil(ratio),
            right: self.right.div_ceil(ratio),
        }
    }

    /// The same positions where the map is `ratio` times larger.
    #[must_use]
    pub fn finer(self, ratio: usize) -> Self {
        Self { top: self.top * ratio, left: self.left * ratio, bottom: self.bottom * ratio, right: self.right * ratio }
    }

    /// This window's part of a map that covers the window `of`. Nothing is copied if it is all of it.
    #[must_use]
    pub fn of(self, map: &Map, of: Self) -> Cow<'_, Map> {
        if self == of {
            return Cow::Borrowed(map);
        }
        let (height, width) = (self.bottom - self.top, self.right - self.left);
        let mut data = Vec::with_capacity(height * width * map.channels);
        let rows = map.data.chunks_exact((map.width * map.channels).max(1));
        for row in rows.skip(self.top - of.top).take(height) {
            data.extend_from_slice(&row[(self.left - of.left) * map.channels..][..width * map.channels]);
        }
        Cow::Owned(Map { height, width, channels: map.channels, data })
    }

    /// Like [`Self::of`], in place.
    pub fn cut(self, map: &mut Map, of: Self) {
        if let Cow::Owned(part) = self.of(map, of) {
            *map = part;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_grow_to_the_edge_and_scale_outwards() {
        let map = Window::whole(10, 12);
        let window = Window { top: 3, left: 2, bottom: 5, right: 7 };
        assert_eq!(window.grown(3, map), Window { top: 0, left: 0, bottom: 8, right: 10 });
        assert_eq!(window.coarser(2), Window { top: 1, left: 1, bottom: 3, right: 4 });
        assert_eq!(window.finer(4), Window { top: 12, left: 8, bottom: 20, right: 28 });
    }

    #[test]
    fn a_part_of_a_part_is_cut_by_its_place_in_the_whole() {
        let data = (0..60).map(|v| v as f32).collect();
        let mut map = Map { height: 5, width: 6, channels: 2, data };
        let outer = Window { top: 1, left: 1, bottom: 5, right: 6 };
        outer.cut(&mut map, Window::whole(5, 6));
        let inner = Window { top: 2, left: 4, bottom: 3, right: 6 };
        assert_eq!(inner.of(&map, outer).data, [32.0, 33.0, 34.0, 35.0]);
        assert!(matches!(outer.of(&map, outer), Cow::Borrowed(_)));
    }
}
