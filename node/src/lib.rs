//! The world around the rules: network, disk, search and local API.
