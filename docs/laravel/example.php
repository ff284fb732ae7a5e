<?php

// Registers a payment and prints it:
//   ONCELINE_URL=http://127.0.0.1:3000 INTERNAL_API_KEY=… php example.php kashier trip-42 15000 EGP

declare(strict_types=1);

use Onceline\OncelineClient;
use Onceline\OncelineException;

require __DIR__ . '/OncelineClient.php';

if ($argc !== 5) {
    fwrite(STDERR, "usage: php example.php <gateway> <merchantRef> <amountMinor> <currency>\n");
    exit(2);
}
[, $gateway, $merchantRef, $amountMinor, $currency] = $argv;
$payment = ['gateway' => $gateway, 'merchantRef' => $merchantRef, 'amountMinor' => (int) $amountMinor];
$onceline = new OncelineClient((string) getenv('ONCELINE_URL'), (string) getenv('INTERNAL_API_KEY'));
try {
    $registered = $onceline->registerPayment($payment + ['currency' => $currency]);
    echo json_encode($registered, JSON_PRETTY_PRINT | JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE), "\n";
} catch (OncelineException $refused) {
    fwrite(STDERR, "{$refused->getMessage()} (request {$refused->requestId})\n");
    foreach ($refused->errors as ['field' => $field, 'message' => $message]) {
        fwrite(STDERR, "  $field: $message\n");
    }
    exit(1);
}
