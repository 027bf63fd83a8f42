//! Password hashing: Argon2id, m = 19 MiB, t = 2, p = 1 (OWASP), never more at once than there are
//! cores, with bounded queues (`turns`). Unknown users cost the same as known ones. RFC 9106, PHC strings.

use crate::turns::Turns;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use doorward_model::dice::Dice;
use doorward_model::fault::Fault;
use doorward_model::id::RealmId;
use doorward_model::secret::Password;
use parking_lot::Mutex;
use std::sync::Arc;

const MEMORY_KIB: u32 = 19 * 1024;
const ROUNDS: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// Hashes passwords on a bounded number of threads.
pub struct Hasher {
    turns: Arc<Turns>,
    spare: Arc<Mutex<Vec<Vec<Block>>>>,
}

/// Why no answer was given.
#[derive(Debug)]
pub enum HashError {
    /// Too many checks wait already: come back in a moment.
    Busy,
    /// Something broke.
    Fault(Fault),
}

impl From<Fault> for HashError {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

struct Stored {
    params: Params,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

impl Hasher {
    /// One check per core at once.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        Self { turns: Turns::new(cores), spare: Arc::default() }
    }

    /// Hashes a new password into a PHC string.
    pub async fn hash(&self, password: Password, dice: &dyn Dice) -> Result<String, HashError> {
        let mut salt = vec![0u8; SALT_BYTES];
        dice.fill(&mut salt);
        let params = current()?;
        let hash = self.compute(None, password, (params, salt.clone(), HASH_BYTES)).await?;
        Ok(format!(
            "$argon2id$v=19$m={MEMORY_KIB},t={ROUNDS},p={LANES}${}${}",
            STANDARD_NO_PAD.encode(&salt),
            STANDARD_NO_PAD.encode(&hash)
        ))
    }

    /// Checks a password of somebody of a realm against a stored hash. Without one the same work is done and the answer
    /// is no.
    pub async fn verify(&self, realm: &RealmId, password: Password, stored: Option<&str>) -> Result<bool, HashError> {
        let Some(text) = stored else {
            self.compute(Some(realm), password, (current()?, vec![0; SALT_BYTES], HASH_BYTES)).await?;
            return Ok(false);
        };
        let stored = parse(text)?;
        let computed = self.compute(Some(realm), password, (stored.params, stored.salt, stored.hash.len())).await?;
        Ok(constant_time::verify_slices_are_equal(&computed, &stored.hash).is_ok())
    }

    /// Whether a check would begin at once.
    pub fn is_free(&self) -> bool {
        self.turns.is_free()
    }

    /// Gives back the memory kept for the next hash: called when nobody has signed in for a while.
    pub fn rest(&self) {
        self.spare.lock().clear();
    }

    async fn compute(
        &self,
        realm: Option<&RealmId>,
        password: Password,
        (params, salt, length): (Params, Vec<u8>, usize),
    ) -> Result<Vec<u8>, HashError> {
        let Some(turn) = self.turns.take(realm).await else { return Err(HashError::Busy) };
        let broken = || Fault::internal("hashing a password");
        let spare = self.spare.clone();
        let work = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let mut memory = spare.lock().pop().unwrap_or_default();
            memory.resize(params.block_count(), Block::default());
            let mut hash = vec![0u8; length];
            let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let outcome = argon.hash_password_into_with_memory(password.bytes(), &salt, &mut hash, &mut memory);
            spare.lock().push(memory);
            outcome.map(|()| hash)
        });
        Ok(work.await.map_err(|_| broken())?.map_err(|_| broken())?)
    }
}

fn current() -> Result<Params, Fault> {
    Params::new(MEMORY_KIB, ROUNDS, LANES, Some(HASH_BYTES)).map_err(|_| Fault::internal("choosing Argon2 parameters"))
}

fn parse(text: &str) -> Result<Stored, Fault> {
    let wrong = |what: &str| Fault::corrupt("users", "(password)", what);
    let parts: Vec<&str> = text.split('$').collect();
    let ["", "argon2id", "v=19", costs, salt, hash] = parts.as_slice() else {
        return Err(wrong("not an Argon2id string"));
    };
    let mut numbers = costs.split(',').zip(["m=", "t=", "p="]).map(|(part, name)| {
        part.strip_prefix(name).and_then(|number| number.parse::<u32>().ok()).ok_or_else(|| wrong("bad costs"))
    });
    let mut next = || numbers.next().ok_or_else(|| wrong("missing costs"))?;
    let (memory, rounds, lanes) = (next()?, next()?, next()?);
    let decode = |text: &str| STANDARD_NO_PAD.decode(text).map_err(|_| wrong("not base 64"));
    let (salt, hash) = (decode(salt)?, decode(hash)?);
    let params = Params::new(memory, rounds, lanes, Some(hash.len())).map_err(|_| wrong("costs out of range"))?;
    Ok(Stored { params, salt, hash })
}

#[cfg(test)]
mod tests {
    use super::{HashError, Hasher};
    use doorward_model::dice::Counting;
    use doorward_model::id::RealmId;
    use doorward_model::secret::Password;

    fn password(text: &str) -> Password {
        let Ok(password) = Password::presented(text) else { panic!("password") };
        password
    }

    fn realm() -> RealmId {
        RealmId::draw(&Counting::new(9))
    }

    #[tokio::test]
    async fn gauntlet_b11_10_every_character_of_a_long_password_counts() {
        let hasher = Hasher::new();
        let long = "correct horse battery staple ".repeat(8);
        let Ok(stored) = hasher.hash(password(&format!("{long}a")), &Counting::new(1)).await else { panic!("hash") };
        assert!(hasher.verify(&realm(), password(&format!("{long}a")), Some(&stored)).await.is_ok_and(|yes| yes));
        assert!(hasher.verify(&realm(), password(&format!("{long}b")), Some(&stored)).await.is_ok_and(|yes| !yes));
        assert!(hasher.verify(&realm(), password("anything"), None).await.is_ok_and(|yes| !yes));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn gauntlet_b16_01_the_queue_of_checks_is_bounded() {
        let hasher = std::sync::Arc::new(Hasher::new());
        let tasks: Vec<_> = (0..500)
            .map(|_| {
                let hasher = hasher.clone();
                tokio::spawn(async move { hasher.verify(&realm(), password("guess"), None).await })
            })
            .collect();
        let mut busy = 0;
        for task in tasks {
            if matches!(task.await, Ok(Err(HashError::Busy))) {
                busy += 1;
            }
        }
        assert!(busy >= 500 - 2 * crate::limits::HASHES_WAITING, "{busy} were sent away");
        // The queue is empty again and takes the next one.
        assert!(hasher.verify(&realm(), password("guess"), None).await.is_ok());
    }
}
