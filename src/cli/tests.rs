//! What is typed becomes these plans.
