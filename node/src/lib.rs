//! The world around the rules: network, disk, search and local API.

pub mod home;
pub mod http;
pub mod index;
pub mod net;
pub mod store;
