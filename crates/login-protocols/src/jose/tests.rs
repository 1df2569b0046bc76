//! Tests of the whole of `jose`.
//! Never uses a key or token that the tested code alone made, except to show that it reads back.
