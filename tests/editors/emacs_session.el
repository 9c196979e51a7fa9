;;; emacs_session.el --- run by test_emacs.py in a real Emacs  -*- lexical-binding: t; -*-

;; Opens a file with the configuration that $NNX_CONFIGURATION names, waits for the finding if one is expected, chooses
;; the code action that starts with $NNX_ACTION as a user would from the menu, and saves.
;; Prints what it saw, one JSON object a line.

(require 'json)
(require 'seq)
(package-initialize)

(defun nnx-say (&rest properties)
  (princ (concat (json-encode properties) "\n")))

(defun nnx-wait-for (what holds)
  (let ((end (+ (float-time) 30)))
    (while (not (funcall holds))
      (when (> (float-time) end)
        (nnx-say :problem (concat "never: " what))
        (kill-emacs 1))
      (accept-process-output nil 0.05)
      (sit-for 0.01)))) ; Timers run while a batch Emacs waits for input.

(defun nnx-choose (_prompt titles &rest _)
  (setq titles (mapcar (lambda (title) (if (consp title) (car title) title)) titles))
  (nnx-say :offered (vconcat titles))
  (seq-find (lambda (title) (string-prefix-p (getenv "NNX_ACTION") title)) titles))

(defun nnx-run ()
  (load (getenv "NNX_CONFIGURATION") nil t)
  (setq last-nonmenu-event ?\r ; The menu is asked for by a key, not by the mouse.
        make-backup-files nil
        eglot-confirm-server-initiated-edits nil)
  (find-file (getenv "NNX_FILE"))
  (run-hooks 'post-command-hook) ; Eglot starts after the command that opens a file; a batch Emacs has no commands.
  (nnx-wait-for "a server" #'eglot-current-server)
  (nnx-wait-for "a server for the buffer" #'eglot-managed-p)
  (unless (equal (getenv "NNX_ACTION") "")
    (nnx-wait-for "a finding" (lambda () (flymake-start) (flymake-diagnostics)))
    (let* ((finding (car (flymake-diagnostics)))
           (start (flymake-diagnostic-beg finding))
           (end (flymake-diagnostic-end finding)))
      (nnx-say :text (flymake-diagnostic-text finding)
               :marked (buffer-substring-no-properties start end))
      (unless (equal (getenv "NNX_ACTION") "save")
        (goto-char start)
        (advice-add 'completing-read :override #'nnx-choose)
        (eglot-code-actions start end nil t))))
  (set-buffer-modified-p t)
  (save-buffer)
  (eglot-shutdown-all)) ; Answers what the server asks; a killed Emacs would take the question for an error.

(condition-case problem
    (nnx-run)
  (error (nnx-say :problem (error-message-string problem))
         (kill-emacs 1)))
(kill-emacs 0)
