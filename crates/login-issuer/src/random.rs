//! Random texts: codes, tokens, identifiers.
//! Never from anything but the system's random source.
