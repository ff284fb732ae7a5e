<?php

declare(strict_types=1);

namespace Onceline;

/** Onceline refused, or could not be asked. Nothing in it is secret. */
final class OncelineException extends \RuntimeException
{
    /**
     * @param string $problemCode what a program may branch on: `code` of the problem document, else no_answer,
     *     answer_unreadable or unexpected_answer
     * @param int $status HTTP status; 0 when no answer came
     * @param string|null $requestId finds the request in Onceline's log
     * @param list<array{field: string, message: string}> $errors of invalid_request: the fields at fault
     * @param list<string> $fields of payment_differs and trip_differs: the fields that stand otherwise
     * @param string|null $idempotencyKey the key that was sent: repeat an unanswered request under this one
     * @param int|null $retryAfterSeconds the seconds that Onceline asked to wait
     */
    public function __construct(
        public readonly string $problemCode,
        string $message,
        public readonly int $status = 0,
        public readonly ?string $requestId = null,
        public readonly array $errors = [],
        public readonly array $fields = [],
        public readonly ?string $idempotencyKey = null,
        public readonly ?int $retryAfterSeconds = null,
    ) {
        parent::__construct("$problemCode: $message");
    }

    /** It is not known whether the request took effect. Sending the same under the same key finds out. */
    public function isUndecided(): bool
    {
        return $this->status === 0 || $this->status >= 500
            || in_array($this->problemCode, ['idempotency_in_flight', 'answer_unreadable'], true);
    }
}
