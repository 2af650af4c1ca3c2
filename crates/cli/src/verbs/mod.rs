//! One file per verb: its flags and what it does.

pub mod compare;
pub mod decode;
pub mod encode;
pub mod eval;
pub mod handover;
pub mod info;
pub mod manual;
pub mod models;
pub mod view;
